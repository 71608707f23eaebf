-- Own rows that were set aside, beside those of a new log: the last one that
-- the log has, too; and how many it lacks that were published, or that come
-- before one that it has.
WITH hidden(seq, is_there) AS (
  SELECT -o.seq, EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE n.is_old IN (0, 1) AND n.bucket = o.bucket AND n.key = o.key AND n.ts = o.ts
      AND n.device = o.device AND n.seq > 0 AND n.op = o.op
      AND {value n} IS {value o})
  FROM {cache} AS o WHERE o.device = :self AND o.seq < 0),
last(seq) AS (SELECT CASE WHEN max(seq) IS NULL THEN 0 ELSE max(seq) END
  FROM hidden WHERE is_there)
SELECT last.seq,
  (SELECT count(*) FROM hidden
   WHERE NOT is_there AND (hidden.seq <= :after OR hidden.seq <= last.seq))
FROM last;
