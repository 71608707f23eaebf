-- The latest row of every key.
SELECT :base + :end, c.bucket, c.key, {value c}, c.op, c.ts, c.device, 1
FROM {cache} AS c
WHERE :after IS NOT NULL AND (c.device IS NOT :self OR c.seq <= :until)
  AND NOT EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE n.is_old IN (0, 1) AND n.bucket = c.bucket AND n.key = c.key
      AND (n.ts, n.device, n.seq) > (c.ts, c.device, c.seq)
      AND (n.device IS NOT :self OR n.seq <= :until));
