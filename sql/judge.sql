-- Checking that a device's log is the one that was merged before.

-- name: cache_has
-- Does the cache have this row of a device?
SELECT 1 FROM {cache} AS c
WHERE device = :device AND seq = :seq AND ts = :ts AND part IN {parts of bucket}
  AND key = :key AND {value c} IS :value AND op = :op;

-- name: seen_has
-- Does the cache have this row of a device, which says what it had seen?
SELECT 1 FROM {seen}
WHERE device = :device AND seq = :seq AND ts = :ts AND peer = :bucket
  AND peer_id = :key AND peer_seq = :value AND op = :op;

-- name: judge_retired
-- The log with which a device is retired: of several, the one that was named first.
SELECT peer_id FROM {seen} WHERE peer = :device AND op = 3
ORDER BY ts, device, seq LIMIT 1;
