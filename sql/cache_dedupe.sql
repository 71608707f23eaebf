-- A row that was merged again and had been moved to the back is there twice.
DELETE FROM {cache} AS o
WHERE o.is_old = 0
  AND EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE n.is_old = 1 AND n.key = o.key
      AND n.ts = o.ts AND n.device = o.device AND n.seq = o.seq AND n.bucket = o.bucket);
