-- The chained checksum at one row, behind what may be too large to pass over.
SELECT txn, ts, parent_ts, op, bucket, key, value, sum FROM log
WHERE seq = :seq;
