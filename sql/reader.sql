-- Reading a log file, which may hold anything.

-- name: foreign_schema
-- What a file says its tables are; a log has two.
SELECT type, name, tbl_name, sql FROM sqlite_master;

-- name: foreign_device
-- Whose log it is; all columns, so that a limit meets what is large.
SELECT name, id, host, created, base_seq, base_sum FROM device;

-- name: handle_small
-- A log is read from its beginning to its end: no page twice.
PRAGMA cache_size = 16;

-- name: foreign_rows
-- The rows of a stretch of a log, in order.
SELECT seq, txn, ts, parent_ts, op, bucket, key, value, sum
FROM log WHERE seq > :after AND seq <= :until ORDER BY seq;

-- name: foreign_last
-- The last row of a log.
SELECT seq, txn, ts, parent_ts, op, bucket, key, value, sum
FROM log ORDER BY seq DESC LIMIT 1;

-- name: foreign_before_last
-- Which row of a log is the last but one.
SELECT seq, txn FROM log ORDER BY seq DESC LIMIT 1 OFFSET 1;

-- name: foreign_last_seq
-- The number of the last row of a log, without its value.
SELECT seq FROM log ORDER BY seq DESC LIMIT 1;

-- name: foreign_sum_at
-- The chained checksum at one row, behind what may be too large to pass over.
SELECT txn, ts, parent_ts, op, bucket, key, value, sum FROM log
WHERE seq = :seq;

-- name: foreign_root
-- The page that the rows of a log are found from.
SELECT rootpage FROM sqlite_master WHERE name = 'log';
