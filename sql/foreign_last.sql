-- The last row of a log.
SELECT seq, txn, ts, parent_ts, op, bucket, key, value, sum
FROM log ORDER BY seq DESC LIMIT 1;
