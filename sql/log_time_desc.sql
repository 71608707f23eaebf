-- The history of a stretch of time, backwards.
SELECT c.bucket, c.key, {value c}, c.op, c.ts, c.device, c.seq,
  CASE WHEN c.txn IS NOT NULL THEN c.txn
       WHEN a.last_seq IS NOT NULL THEN a.last_seq ELSE c.seq END,
  c.parent_ts
FROM {cache} AS c
LEFT JOIN {arrival} AS a ON c.txn IS NULL AND a.arrived = c.arrived
WHERE c.ts BETWEEN :first AND :last
  AND (c.device IS NOT :self OR c.seq <= :until)
ORDER BY c.ts DESC, c.device DESC, c.seq DESC;
