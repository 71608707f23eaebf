-- The rows of a stretch of a log, in order.
SELECT seq, txn, ts, parent_ts, op, bucket, key, value, sum
FROM log WHERE seq > :after AND seq <= :until ORDER BY seq;
