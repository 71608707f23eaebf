-- Saying how far the other logs are merged, without any other change.

-- name: acknowledge_due
-- The seen rows that are due, as in seen_due. None is due for :pause after the last
-- one, by this device's clock. Then one is if a peer's log is merged further than was
-- said, which seen rows alone do not count for; or if it has changes that are later
-- than the last own seen row and earlier than :ts. Such changes are of a clock that was
-- ahead, and only a later seen row says that this clock is past them (late). Seen rows
-- alone are not acknowledged, and nothing is said again of a log that another cache of
-- this device has further: it would never end.
WITH RECURSIVE {said by self},
own(ts) AS (
  SELECT s.ts FROM said CROSS JOIN {seen} AS s
  WHERE s.device = :self AND s.peer = said.peer AND s.seq = (
    SELECT max(l.seq) FROM {seen} AS l
    WHERE l.device = :self AND l.peer = said.peer AND l.op = 2)
  ORDER BY s.seq DESC LIMIT 1),
peer(device, id, seq, sum, newest, said_id, said_seq, is_further) AS (
  SELECT c.device, c.id, c.seq, c.sum, c.newest, s.peer_id, s.peer_seq,
    CASE c.id WHEN s.peer_id THEN c.seq > s.peer_seq
      ELSE s.peer_id IS NULL OR c.id > s.peer_id
        OR substr(c.id, 1, 8) <> substr(s.peer_id, 1, 8) END
  FROM {cursor} AS c LEFT JOIN {seen} AS s
    ON s.device = :self AND s.peer = c.device AND s.seq = (
      SELECT max(l.seq) FROM {seen} AS l
      WHERE l.device = :self AND l.peer = c.device AND l.op = 2)
  WHERE c.device <> :self AND c.id IS NOT NULL
    AND (c.seq > 0 OR s.peer_seq > 0)),
late(device) AS (
  SELECT p.device FROM own CROSS JOIN peer AS p
  WHERE p.newest >= own.ts AND p.id = p.said_id AND EXISTS(
    SELECT 1 FROM {arrival} AS a
    WHERE a.device = p.device AND a.last_ts >= own.ts AND a.last_ts < :ts))
SELECT p.device, p.id, p.seq, p.sum FROM peer AS p
WHERE NOT EXISTS(
    SELECT 1 FROM own
    WHERE ts > :now - :pause AND ts <= :now + :pause)
  AND EXISTS(
    SELECT 1 FROM peer AS q
    WHERE q.is_further AND (
        q.id IS NOT q.said_id OR q.seq - q.said_seq > (
          SELECT count(*) FROM {seen} AS s
          WHERE s.device = q.device AND s.seq > q.said_seq AND s.seq <= q.seq
            AND s.op = 2))
      OR q.device IN late)
  AND (p.is_further OR p.device IN late)
ORDER BY p.device;
