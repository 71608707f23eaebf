-- Checking that a device's log is the one that was merged before.

-- name: cache_has
-- Has the cache this row of a device?
SELECT 1 FROM {cache} AS c
WHERE is_old IN (0, 1) AND device = :device AND seq = :seq AND ts = :ts AND bucket = :bucket
  AND key = :key AND {value c} IS :value AND op = :op;

-- name: seen_has
-- Has the cache this row of a device, which says what it had seen?
SELECT 1 FROM {seen}
WHERE device = :device AND seq = :seq AND ts = :ts AND peer = :bucket
  AND peer_id = :key AND peer_seq = :value;
