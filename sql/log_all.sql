-- The whole history, without what is written while it is read.
SELECT c.bucket, c.key, {value c}, c.op, c.ts, c.device, c.seq,
  CASE WHEN c.txn IS NOT NULL THEN c.txn
       WHEN a.last_seq IS NOT NULL THEN a.last_seq ELSE c.seq END,
  c.parent_ts
FROM {cache} AS c
LEFT JOIN {arrival} AS a ON c.txn IS NULL AND a.arrived = c.arrived
WHERE (c.device IS NOT :self OR c.seq <= :until);
