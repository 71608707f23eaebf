-- Large values, beside the cache.

-- name: large_put
-- Keep a large value.
INSERT INTO {large}(value) VALUES(:value);

-- name: large_value
-- A large value.
SELECT value FROM {large} WHERE id = :id;

-- name: large_of
-- Is this row of a device in the cache, and is its value large?
SELECT large FROM {cache}
WHERE part IN {parts of bucket} AND key = :key AND ts = :ts
  AND device = :device AND seq = :seq;

-- name: large_forget
-- Delete a large value.
DELETE FROM {large} WHERE id = :id;

-- name: large_trim
-- Rows were removed: delete the large values that no row has any more.
DELETE FROM {large} WHERE id NOT IN (
  SELECT large FROM {cache} WHERE large IS NOT NULL);
