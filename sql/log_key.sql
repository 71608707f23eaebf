-- The history of one key in every bucket: one seek for each.
WITH RECURSIVE buckets(bucket) AS (
  SELECT min(bucket) FROM {cache} WHERE is_old = 0
  UNION ALL
  SELECT (SELECT min(c.bucket) FROM {cache} AS c
          WHERE c.is_old = 0 AND c.bucket > b.bucket)
  FROM buckets AS b WHERE b.bucket IS NOT NULL)
SELECT c.bucket, c.key, c.value, c.op, c.ts, c.device, c.seq,
  coalesce(c.txn, a.last_seq, c.seq), c.parent_ts
FROM {cache} AS c
LEFT JOIN {arrival} AS a ON c.txn IS NULL AND a.arrived = c.arrived
WHERE c.is_old IN (0, 1) AND c.bucket IN (SELECT bucket FROM buckets WHERE bucket IS NOT NULL)
  AND c.key = :key
  AND (c.device IS NOT :self OR c.seq <= :until);
