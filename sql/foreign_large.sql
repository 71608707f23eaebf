-- The next row of a log, without the text and blobs in it.
SELECT seq, txn, ts, parent_ts, op, typeof(bucket),
  typeof(key), CASE WHEN typeof(key) IN ('text', 'blob') THEN NULL ELSE key END,
  typeof(value),
  CASE WHEN typeof(value) IN ('text', 'blob') THEN NULL ELSE value END, sum
FROM log WHERE seq > :after ORDER BY seq LIMIT 1;
