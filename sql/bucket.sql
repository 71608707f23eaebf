-- Writing rows of other buckets than ''.

-- name: bucket_newest
-- The newest row of a key.
SELECT op, ts, device, seq, parent_ts, value, large
FROM {cache}
WHERE is_old = 1 AND bucket = :bucket AND key = :key
ORDER BY ts DESC, device DESC, seq DESC LIMIT 1;

-- name: bucket_put
-- Set or delete a key. This replaces a row of the same transaction.
INSERT OR REPLACE INTO {cache}
  (is_old, bucket, key, ts, device, seq, parent_ts, op, arrived, large, value)
VALUES(1, :bucket, :key, :ts, :device, :seq, :parent_ts, :op, :arrived, :large,
  :value);
