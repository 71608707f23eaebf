-- What a key was before.

-- name: revert_last
-- The times of the latest row of a key and of the one before it, and the time of
-- the row that each replaced.
SELECT ts, parent_ts
FROM {cache}
WHERE part IN {parts of bucket} AND key = :key
ORDER BY ts DESC, device DESC, seq DESC LIMIT 2;

-- name: cache_before
-- The row of a key before its latest one.
SELECT key, op, value, large
FROM {cache}
WHERE part IN (0, 1) AND key = :key
ORDER BY ts DESC, device DESC, seq DESC LIMIT 1 OFFSET 1;
