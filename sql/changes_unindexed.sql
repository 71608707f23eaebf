-- The same by one walk over all rows, while there is no index by time.
SELECT :base + c.arrived, c.bucket, c.key, c.value, c.op, c.ts, c.device, 0
FROM {cache} AS c
WHERE c.arrived > :after AND c.arrived <= :end
  AND NOT EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE n.is_old IN (0, 1) AND n.bucket = c.bucket AND n.key = c.key
      AND (n.ts, n.device, n.seq) > (c.ts, c.device, c.seq)
      AND (n.device IS NOT :self OR n.seq <= :until))
ORDER BY c.arrived;
