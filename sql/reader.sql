-- Reading a log file, which may hold anything.

-- name: handle_small
-- A log is read once from its beginning to its end, so a small page cache is
-- enough.
PRAGMA cache_size = 16;

-- name: foreign_rows
-- The rows of a stretch of a log, in their order.
SELECT seq, txn, ts, parent_ts, op, bucket, key, value, sum
FROM log WHERE seq > :after AND seq <= :until ORDER BY seq;

-- name: foreign_last
-- The last row of a log.
SELECT seq, txn, ts, parent_ts, op, bucket, key, value, sum
FROM log ORDER BY seq DESC LIMIT 1;

-- name: foreign_tail
-- The last row of a log, without key and value.
SELECT seq, txn, ts, op, sum FROM log ORDER BY seq DESC LIMIT 1;

-- name: foreign_last_seq
-- The number of the last row of a log. It does not load its value.
SELECT seq FROM log ORDER BY seq DESC LIMIT 1;

-- name: foreign_sum_at
-- The chained checksum of a position: of the last row up to a number.
SELECT seq, sum FROM log WHERE seq <= :seq ORDER BY seq DESC LIMIT 1;
