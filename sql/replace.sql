-- A log takes the place of an earlier one of its device: of the device's rows in
-- the cache, those go that the new log does not have. Own rows that were set aside
-- have negative numbers.

-- hole: kept {c}
-- The transaction of row c of the cache in the new log; NULL: it is not in it.
kv_kept(:kept, {c}.seq, {c}.ts, {c}.op, {bucket of {c}}, {c}.key, {c}.value)

-- name: replace_last
-- Rows g that go although they are the latest of their key: the arrival of the last
-- one; and does what kv shows of any key change with them? It does not if g is a
-- deletion and all rows of its key go.
SELECT max(g.arrived), max(g.op = 1 OR EXISTS(
  SELECT 1 FROM {cache} AS o
  WHERE {rows o of g} AND (o.device <> :device OR {kept o} IS NOT NULL)))
FROM {cache} AS g
WHERE g.part = 0 AND g.device = :device AND g.seq > 0 AND {kept g} IS NULL
  AND NOT EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE {rows n of g}
      AND (n.ts, n.device, n.seq) > (g.ts, g.device, g.seq));

-- name: replace_bucket
-- Does a row of another bucket go?
SELECT 1 FROM {cache} AS c
WHERE c.part > '' AND c.device = :device AND c.seq > 0
  AND {kept c} IS NULL
LIMIT 1;

-- name: replace_delete
-- Delete the rows that go.
DELETE FROM {cache} AS c WHERE c.device = :device AND c.seq > 0 AND {kept c} IS NULL;

-- name: replace_delete_seen
-- Do the same with seen rows.
DELETE FROM {seen} WHERE device = :device AND seq > 0
  AND kv_kept(:kept, seq, ts, op, peer, peer_id, peer_seq) IS NULL;

-- name: replace_txn
-- A transaction ends with the last row of it that stays.
UPDATE {cache} AS c SET txn = {kept c}
WHERE c.device = :device AND c.seq > 0 AND c.txn IS NOT {kept c};

-- name: replace_txn_seen
-- Do the same with seen rows.
UPDATE {seen} SET txn = kv_kept(:kept, seq, ts, op, peer, peer_id, peer_seq)
WHERE device = :device AND seq > 0
  AND txn <> kv_kept(:kept, seq, ts, op, peer, peer_id, peer_seq);

-- name: replace_dropped
-- Readers of changes from before this arrival have to start over.
UPDATE {meta} SET dropped = :arrived WHERE dropped < :arrived;
