-- Appending rows to the own log.

-- name: log_append
-- Append one row.
INSERT INTO log(seq, txn, ts, parent_ts, op, bucket, key, value, sum)
VALUES(:seq, :txn, :ts, :parent_ts, :op, :bucket, :key, :value, :sum);

-- name: log_append_rows
-- Append many rows. With FAIL SQLite opens no statement journal; after an error
-- the log is closed, so nothing of it stays.
INSERT OR FAIL INTO log(seq, txn, ts, parent_ts, op, bucket, key, value, sum)
SELECT seq, txn, ts, parent_ts, op, bucket, key, value, sum
FROM kv_rows(:rows);
