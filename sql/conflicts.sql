-- Values that lost to a writer who had not seen them. A row of the same key
-- had seen a value if it is of the same device and later, if it says that it
-- replaced it (parent_ts), or if its writer had merged that far (a seen row
-- ahead of it; for the running transaction what came before it). A value that some
-- row had seen is settled.
SELECT w.bucket, w.key, {value w}, w.device, w.ts, {value l}, l.device, l.ts, w.op
FROM {cache} AS l
CROSS JOIN {cursor} AS d
CROSS JOIN {cache} AS w
WHERE l.op = 1 AND d.device = l.device
  AND (l.device IS NOT :self OR l.seq <= :until)
  AND NOT EXISTS(
    SELECT 1 FROM {cache} AS r
    WHERE r.is_old IN (0, 1) AND r.bucket = l.bucket AND r.key = l.key
      AND (r.ts, r.device, r.seq) > (l.ts, l.device, l.seq)
      AND (r.device IS NOT :self OR r.seq <= :until)
      AND (r.device = l.device
        OR l.seq <= (
          SELECT CASE WHEN s.peer_id = d.id THEN s.peer_seq END
          FROM {seen} AS s
          WHERE s.device = r.device AND s.peer = l.device AND s.seq <= r.seq
          ORDER BY s.seq DESC LIMIT 1)
        OR (r.device IS :self AND r.seq >= :first
          AND l.arrived < r.arrived)
        OR (r.parent_ts = l.ts AND NOT EXISTS(
          SELECT 1 FROM {cache} AS x
          WHERE x.is_old IN (0, 1) AND x.bucket = l.bucket AND x.key = l.key AND x.ts = l.ts
            AND x.device <> l.device))))
  AND w.is_old IN (0, 1) AND w.bucket = l.bucket AND w.key = l.key
  AND (w.ts, w.device, w.seq) = (
    SELECT i.ts, i.device, i.seq FROM {cache} AS i
    WHERE i.is_old IN (0, 1) AND i.bucket = l.bucket AND i.key = l.key
      AND (i.device IS NOT :self OR i.seq <= :until)
    ORDER BY i.ts DESC, i.device DESC, i.seq DESC LIMIT 1)
  AND w.device <> l.device
  AND (w.op = 0 OR {value w} IS NOT {value l}
    OR typeof({value w}) <> typeof({value l}))
ORDER BY l.bucket, l.key, l.ts DESC, l.device DESC, l.seq DESC;
