-- The same by one walk over all rows, while there is no index by time. A row
-- has the number of the first of the (128, KV_SPANS) that its merge took.
SELECT :base + a.arrived, c.bucket, c.key, {value c}, c.op, c.ts, c.device, 0
FROM {cache} AS c
CROSS JOIN {arrival} AS a
WHERE c.arrived > :after - 128
  AND a.arrived > :after AND a.arrived <= :end
  AND a.arrived BETWEEN c.arrived AND c.arrived + 127 AND a.device = c.device
  AND c.seq BETWEEN a.first_seq AND a.last_seq
  AND NOT EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE n.is_old IN (0, 1) AND n.bucket = c.bucket AND n.key = c.key
      AND (n.ts, n.device, n.seq) > (c.ts, c.device, c.seq)
      AND (n.device IS NOT :self OR n.seq <= :until))
ORDER BY a.arrived;
