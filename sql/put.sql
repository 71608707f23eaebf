-- Rows of a transaction, into the cache.

-- name: put_row
-- Set or delete a key. This replaces a row of the same transaction.
INSERT OR REPLACE INTO {cache}
  (part, key, ts, device, seq, parent_ts, op, arrived, large, value)
VALUES(:part, :key, :ts, :device, :seq, :parent_ts, :op, :arrived, :large,
  :value);

-- name: put_late
-- Set or delete many keys of kv, in the order of keys. With IGNORE SQLite opens no
-- statement journal (https://www.sqlite.org/tempfiles.html#stmtjrnl).
INSERT OR IGNORE INTO {cache}
  (part, key, ts, device, seq, parent_ts, op, arrived, value)
SELECT 0, key, ts, :device, seq, parent_ts, op, :arrived, value
FROM kv_rows(:rows);

-- name: put_late_bucket
-- The same in other buckets.
INSERT OR IGNORE INTO {cache}
  (part, key, ts, device, seq, parent_ts, op, arrived, value)
SELECT bucket, key, ts, :device, seq, parent_ts, op, :arrived, value
FROM kv_rows(:rows);
