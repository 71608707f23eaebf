-- A log into the cache, and superseded rows to its back.

-- name: declare_rows
-- The columns of kv_rows; op is a number.
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
-- Is there any row?
SELECT 1 FROM {cache} LIMIT 1;

-- name: cache_merge
-- Merge a slice of the verified rows of a log. They come in the order of the
-- cache; of those of one key all but the latest go to the back at once.
INSERT OR IGNORE INTO {cache}
  (is_old, bucket, key, ts, device, seq, txn, parent_ts, op, arrived, large,
   value)
SELECT is_old, bucket, key, ts, :device, seq, txn, parent_ts, op, :arrived,
  large, value
FROM kv_rows(:slice);

-- name: seen_merge
-- Merge what a slice of a log says that its device had seen.
INSERT OR IGNORE INTO {seen}
  (device, peer, seq, txn, ts, peer_id, peer_seq, peer_sum)
SELECT :device, bucket, seq, txn, ts, key, value, parent_ts
FROM kv_rows(:slice);

-- name: own_discard_cache
-- Give up own rows that wait.
DELETE FROM {cache} WHERE device = :self AND seq > :after;

-- name: own_discard_seen
-- The same for seen rows.
DELETE FROM {seen} WHERE device = :self AND seq > :after;

-- name: meta_put_swept
-- Rows were merged to where a sweep would have them; some of them are in front.
UPDATE {meta} SET swept_rows = swept_rows + :rows, n_front = n_front + :front;

-- name: cache_front
-- The rows in front, the latest of each key first.
SELECT key, ts, device, seq
FROM {cache}
WHERE is_old = 0
ORDER BY key, ts DESC, device DESC, seq DESC;

-- name: cache_sweep
-- Move a row that has been superseded to the back.
UPDATE OR REPLACE {cache} SET is_old = 1
WHERE is_old = 0 AND key = :key AND ts = :ts
  AND device = :device AND seq = :seq;

-- name: meta_swept
-- Superseded rows were moved to the back.
UPDATE {meta} SET swept_arrival = :arrival, swept_rows = :rows,
  n_front = :front;
