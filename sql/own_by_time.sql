-- Own rows in the order of time, and the number of the last one of each time.
SELECT bucket, key, ts, seq, count(*) OVER (ORDER BY ts) AS last
FROM {cache}
WHERE device = :self AND seq > 0 ORDER BY ts, seq;
