-- Is the log of a device the one that was merged?

-- name: cache_has
-- Is this row of a device in the cache?
SELECT 1 FROM {cache} AS c
WHERE is_old IN (0, 1) AND device = :device AND seq = :seq AND ts = :ts AND bucket = :bucket
  AND key = :key AND {value c} IS :value AND op = :op;

-- name: seen_has
-- Is this seen row of a device in the cache?
SELECT 1 FROM {seen}
WHERE device = :device AND seq = :seq AND ts = :ts AND peer = :bucket
  AND peer_id = :key AND peer_seq = :value;
