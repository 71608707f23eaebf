-- Merging a log into the cache, and moving superseded rows to its back.

-- name: declare_rows
-- The columns of kv_rows. op is a number.
CREATE TABLE kv_rows(
  bucket,
  key,
  value,
  op,
  ts,
  seq,
  txn,
  parent_ts,
  is_old,
  large,
  pointer HIDDEN,
  PRIMARY KEY(seq)
) WITHOUT ROWID;

-- name: cache_any
-- Has the cache any row?
SELECT 1 FROM {cache} LIMIT 1;

-- name: cache_merge
-- Merge a slice of the verified rows of a log. They come in the order of the
-- cache. Of the rows of one key in the slice, only the latest goes to the front.
INSERT OR IGNORE INTO {cache}
  (is_old, bucket, key, ts, device, seq, txn, parent_ts, op, arrived, large,
   value)
SELECT is_old, bucket, key, ts, :device, seq, txn, parent_ts, op, :arrived,
  large, value
FROM kv_rows(:slice);

-- name: seen_merge
-- Merge the rows of a slice that say what its device had seen.
INSERT OR IGNORE INTO {seen}
  (device, peer, seq, txn, ts, peer_id, peer_seq, peer_sum)
SELECT :device, bucket, seq, txn, ts, key, value, parent_ts
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
SELECT key, ts, device, seq
FROM {cache}
WHERE is_old = 0
ORDER BY key, ts DESC, device DESC, seq DESC;

-- name: cache_sweep
-- Move a superseded row to the back.
UPDATE OR REPLACE {cache} SET is_old = 1
WHERE is_old = 0 AND key = :key AND ts = :ts
  AND device = :device AND seq = :seq;

-- name: meta_swept
-- Note that a sweep is done.
UPDATE {meta} SET swept_arrival = :arrival, swept_rows = :rows,
  n_front = :front;
