-- Peers whose logs are merged up to another row than this device said last.
SELECT c.device, c.id, c.seq, c.sum
FROM {cursor} AS c
WHERE c.device <> :self AND c.id IS NOT NULL
  AND (c.id, c.seq, c.sum) IS NOT (
    SELECT s.peer_id, s.peer_seq, s.peer_sum FROM {seen} AS s
    WHERE s.device = :self AND s.peer = c.device ORDER BY s.seq DESC LIMIT 1)
  AND (c.seq > 0 OR EXISTS(
    SELECT 1 FROM {seen} AS s
    WHERE s.device = :self AND s.peer = c.device AND s.peer_seq > 0))
ORDER BY c.device;
