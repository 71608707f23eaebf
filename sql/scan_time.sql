-- Keys whose latest row is of a stretch of time, in its order.
SELECT c.key, c.op, c.value, c.large, c.ts, c.device, c.parent_ts
FROM {cache} AS c
WHERE c.ts BETWEEN :first AND :last AND +c.bucket = '' AND c.op = 1
  AND (c.device IS NOT :self OR c.seq <= :until)
  AND NOT EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE n.is_old IN (0, 1) AND n.bucket = c.bucket AND n.key = c.key
      AND (n.ts, n.device, n.seq) > (c.ts, c.device, c.seq)
      AND (n.device IS NOT :self OR n.seq <= :until))
ORDER BY c.ts, c.device, c.seq;
