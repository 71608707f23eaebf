-- Rows were taken away: move those to the front that nothing in front
-- supersedes any more.
UPDATE {cache} AS o SET is_old = 0
WHERE o.is_old = 1 AND o.bucket = ''
  AND NOT EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE n.is_old = 0 AND n.key = o.key
      AND (n.ts, n.device, n.seq) > (o.ts, o.device, o.seq));
