-- An open store: finding it, its identity, savepoints, its running transaction.

-- name: meta_id
-- The random number of this cache. No other cache has it.
SELECT id FROM {meta};

-- name: savepoint
-- Begin a change of the cache that can be undone.
SAVEPOINT kv_sync;

-- name: savepoint_lock
-- Lock the cache for writing before anything is read: SQLite does not wait for a
-- lock once it has read.
UPDATE {meta} SET machine = machine WHERE 0;

-- name: savepoint_release
-- Keep the change.
RELEASE kv_sync;

-- name: savepoint_rollback
-- Undo the change.
ROLLBACK TO kv_sync;

-- name: rollback
-- End a transaction that cannot be committed.
ROLLBACK;

-- name: own_first
-- The number that the first row of an own transaction has now.
SELECT min(seq) FROM {cache} WHERE device = :self AND arrived = :arrived;

-- name: seen_due
-- Peers whose logs are merged up to another row than the last seen row of this
-- device says. peer_sum is NULL for a peer that no longer has a cursor.
WITH RECURSIVE {said by self}
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
