-- Large values, which are beside the cache.

-- name: large_next
-- The number of the first part of one more value: a value has 32,768 of them.
SELECT (CASE WHEN max(part) IS NULL THEN 1 ELSE (max(part) >> 15) + 1 END) << 15
FROM {large};

-- name: large_put
-- Keep a large value, part by part.
INSERT INTO {large}(part, is_text, n_bytes, bytes)
SELECT seq, op, txn, value FROM kv_rows(:parts);

-- name: large_value
-- The parts of a large value, in order.
SELECT part, is_text, n_bytes, bytes FROM {large}
WHERE part BETWEEN :first AND :first + 0x7fff
ORDER BY part;

-- name: large_of
-- Is this row of a device in the cache, and is its value large?
SELECT large FROM {cache}
WHERE is_old IN (0, 1) AND bucket = :bucket AND key = :key AND ts = :ts
  AND device = :device AND seq = :seq;

-- name: large_forget
-- Forget a large value.
DELETE FROM {large} WHERE part BETWEEN :first AND :first + 0x7fff;

-- name: large_trim
-- Rows were taken away: forget the large values that no row has any more.
DELETE FROM {large} WHERE (part & ~0x7fff) NOT IN (
  SELECT large FROM {cache} WHERE large IS NOT NULL);
