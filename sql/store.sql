-- An open store: where it is, its transaction and savepoints.

-- name: schema_names
-- The schemas of a connection.
PRAGMA database_list;

-- name: table_names
-- The virtual tables of a schema.
SELECT name, sql FROM {schema}.sqlite_master
WHERE type = 'table' AND rootpage = 0;

-- name: table_reach
-- Connect a virtual table by naming it; run to its end, it reads no row but
-- what has changed in the schema.
SELECT key FROM {table} LIMIT 0;

-- name: meta_id
-- Which cache is this? No other one has the number.
SELECT id FROM {meta};

-- name: savepoint
-- Begin the merge of one device's log.
SAVEPOINT kv_sync;

-- name: savepoint_lock
-- Lock the cache for writing before anything is read: a reader cannot wait.
UPDATE {meta} SET machine = machine WHERE 0;

-- name: savepoint_release
-- Keep it.
RELEASE kv_sync;

-- name: savepoint_rollback
-- Undo it.
ROLLBACK TO kv_sync;

-- name: rollback
-- End a transaction that cannot be committed.
ROLLBACK;

-- name: own_first
-- The first number that the rows of one own transaction have now.
SELECT min(seq) FROM {cache} WHERE device = :self AND arrived = :arrived;

-- name: seen_due
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
