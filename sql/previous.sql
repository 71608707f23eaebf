-- What a write replaces.

-- name: cache_last_key
-- The greatest key. The latest row of each key is in front.
SELECT key FROM {cache} WHERE part = 0
ORDER BY key DESC LIMIT 1;
