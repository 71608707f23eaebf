-- Keys whose latest row came with a commit or merge behind a number. Rows are
-- found by the time, then told by device and number of the arrival.
SELECT :base + a.arrived, c.bucket, c.key, {value w}, w.op, c.ts, c.device, 0
FROM {arrival} AS a
CROSS JOIN {cache} AS c
CROSS JOIN {cache} AS w
WHERE a.arrived > :after AND a.arrived <= :end
  AND c.ts BETWEEN a.first_ts AND a.last_ts AND +c.device = a.device
  AND +c.seq BETWEEN a.first_seq AND a.last_seq
  AND NOT EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE n.is_old IN (0, 1) AND n.bucket = c.bucket AND n.key = c.key
      AND (n.ts, n.device, n.seq) > (c.ts, c.device, c.seq)
      AND (n.device IS NOT :self OR n.seq <= :until))
  AND w.is_old = c.is_old AND w.bucket = c.bucket AND w.key = c.key AND w.ts = c.ts
  AND w.device = c.device AND w.seq = c.seq
ORDER BY a.arrived;
