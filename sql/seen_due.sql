-- Peers whose logs are merged up to another row than this device said last:
-- those with a cursor, and those that have none any more (sum is NULL).
WITH RECURSIVE said(peer) AS (
  SELECT min(peer) FROM {seen} WHERE device = :self
  UNION ALL
  SELECT (SELECT min(s.peer) FROM {seen} AS s
          WHERE s.device = :self AND s.peer > said.peer)
  FROM said WHERE said.peer IS NOT NULL)
SELECT c.device, c.id, c.seq, c.sum
FROM {cursor} AS c
WHERE c.device <> :self AND c.id IS NOT NULL
  AND (c.id, c.seq, c.sum) IS NOT (
    SELECT s.peer_id, s.peer_seq, s.peer_sum FROM {seen} AS s
    WHERE s.device = :self AND s.peer = c.device ORDER BY s.seq DESC LIMIT 1)
  AND (c.seq > 0 OR EXISTS(
    SELECT 1 FROM {seen} AS s
    WHERE s.device = :self AND s.peer = c.device AND s.peer_seq > 0))
UNION ALL
SELECT l.peer, l.peer_id, 0, NULL
FROM said CROSS JOIN {seen} AS l
WHERE l.device = :self AND l.peer = said.peer AND l.peer_seq > 0
  AND l.seq = (SELECT max(s.seq) FROM {seen} AS s
               WHERE s.device = :self AND s.peer = said.peer)
  AND NOT EXISTS(
    SELECT 1 FROM {cursor} AS c
    WHERE c.device = said.peer AND c.id IS NOT NULL)
ORDER BY 1;
