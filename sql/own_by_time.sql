-- Own rows in the order of time.
SELECT bucket, key, ts, seq FROM {cache}
WHERE device = :self AND seq > 0 ORDER BY ts, seq;
