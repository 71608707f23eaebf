-- What a stretch of time did to the keys that it has rows of: the latest row
-- of each before it and at its end.
SELECT k.bucket, k.key,
  CASE WHEN o.op IS NOT 1 THEN 'added'
       WHEN n.op = 0 THEN 'removed'
       ELSE 'changed' END,
  {value o}, {value n}
FROM (
  SELECT DISTINCT bucket, key FROM {cache}
  WHERE ts > :start AND ts <= :stop
    AND (device IS NOT :self OR seq <= :until)) AS k
CROSS JOIN {cache} AS n
  ON n.is_old IN (0, 1) AND n.bucket = k.bucket AND n.key = k.key
  AND (n.ts, n.device, n.seq) = (
    SELECT ts, device, seq FROM {cache} AS i
    WHERE i.is_old IN (0, 1) AND i.bucket = k.bucket AND i.key = k.key AND i.ts <= :stop
      AND (i.device IS NOT :self OR i.seq <= :until)
    ORDER BY i.ts DESC, i.device DESC, i.seq DESC LIMIT 1)
LEFT JOIN {cache} AS o
  ON o.is_old IN (0, 1) AND o.bucket = k.bucket AND o.key = k.key
  AND (o.ts, o.device, o.seq) = (
    SELECT ts, device, seq FROM {cache} AS i
    WHERE i.is_old IN (0, 1) AND i.bucket = k.bucket AND i.key = k.key AND i.ts <= :start
    ORDER BY i.ts DESC, i.device DESC, i.seq DESC LIMIT 1)
WHERE (o.op IS 1) <> (n.op IS 1)
  OR (n.op = 1
      AND ({value n} IS NOT {value o}
        OR typeof({value n}) <> typeof({value o})))
ORDER BY k.bucket, k.key;
