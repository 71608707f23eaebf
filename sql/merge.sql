-- Merging a log into the cache, and moving superseded rows to its back.

-- name: cache_any
-- Does the cache have any row?
SELECT 1 FROM {cache} LIMIT 1;

-- name: cache_merge
-- Merge a slice of the verified rows of a log. They come in the order of the
-- cache. Of the rows of one key in the slice, only the latest goes to the front.
INSERT OR IGNORE INTO {cache}
  (part, key, ts, device, seq, txn, parent_ts, op, arrived, large,
   value)
SELECT part, key, ts, :device, seq, txn, parent_ts, op, :arrived,
  large, value
FROM kv_rows(:slice);

-- name: cache_merge_missing
-- The same for a log of which the cache may have rows already. NOT INDEXED: the
-- slice has the order of the table, not that of the index by time.
INSERT OR IGNORE INTO {cache}
  (part, key, ts, device, seq, txn, parent_ts, op, arrived, large,
   value)
SELECT r.part, r.key, r.ts, :device, r.seq, r.txn, r.parent_ts, r.op,
  :arrived, r.large, r.value
FROM kv_rows(:slice) AS r
WHERE NOT EXISTS(
  SELECT 1 FROM {cache} AS c NOT INDEXED
  WHERE {any rows c of r} AND c.ts = r.ts AND c.device = :device
    AND c.seq = r.seq);

-- name: seen_merge
-- Merge the rows of a slice that say what its device had seen.
INSERT OR IGNORE INTO {seen}
  (device, peer, seq, txn, ts, peer_id, peer_seq, peer_sum, op)
SELECT :device, bucket, seq, txn, ts, key, value, parent_ts, op
FROM kv_rows(:slice);

-- name: own_discard_cache
-- Remove own rows that were not published.
DELETE FROM {cache} WHERE device = :self AND seq > :after;

-- name: own_discard_seen
-- Do the same with seen rows.
DELETE FROM {seen} WHERE device = :self AND seq > :after;

-- name: meta_put_swept
-- Rows were merged that need no sweep. Note how many, and how many of them are in
-- front.
UPDATE {meta} SET swept_rows = swept_rows + :rows, n_front = n_front + :front;

-- name: cache_front
-- The rows in front, the latest row of each key first.
SELECT key, ts, device, seq, txn, parent_ts, op, arrived, large, value
FROM {cache}
WHERE part = 0
ORDER BY key, ts DESC, device DESC, seq DESC;

-- name: cache_sweep
-- Put a slice of superseded rows into the back.
INSERT OR IGNORE INTO {cache}
  (part, key, ts, device, seq, txn, parent_ts, op, arrived, large,
   value)
SELECT 1, key, ts, device, seq, CASE WHEN txn <> 0 THEN txn END,
  parent_ts, op, arrived, large, value
FROM kv_rows(:slice);

-- name: cache_swept
-- Remove the rows of that slice from the front. This is one walk from its first
-- key to its last one, which deletes as it goes. NOT INDEXED: it is to be the walk
-- of the table, in the order of keys.
DELETE FROM {cache} NOT INDEXED
WHERE part = 0 AND key >= :first AND key <= :last
  AND kv_swept(:slice, key, ts, device, seq);

-- name: meta_swept
-- Note that a sweep is done.
UPDATE {meta} SET swept_arrival = :arrival, swept_rows = :rows,
  n_front = :front;
