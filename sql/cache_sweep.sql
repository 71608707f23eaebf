-- Move rows that have been superseded to the back.
UPDATE {cache} AS o SET is_old = 1
WHERE o.is_old = 0
  AND EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE n.is_old = 0 AND n.bucket = o.bucket AND n.key = o.key
      AND (n.ts, n.device, n.seq) > (o.ts, o.device, o.seq));
