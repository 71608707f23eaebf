-- Writing rows of other buckets than ''.

-- name: bucket_newest
-- The newest row of a key.
SELECT op, ts, device, seq, parent_ts, value, large
FROM {cache}
WHERE part = :bucket AND key = :key
ORDER BY ts DESC, device DESC, seq DESC LIMIT 1;
