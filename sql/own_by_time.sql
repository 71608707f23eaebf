-- Own rows in the order of time, and the number of the last one of each time.
-- Of rows of one key and time, which twins wrote, each is in another
-- transaction.
SELECT bucket, key, ts, seq, count(*) OVER (ORDER BY ts, nth) AS last
FROM (
  SELECT bucket, key, ts, seq,
    row_number() OVER (PARTITION BY bucket, key, ts ORDER BY seq) AS nth
  FROM {cache}
  WHERE device = :self AND seq > 0)
ORDER BY ts, nth, seq;
