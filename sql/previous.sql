-- What a write replaces.

-- name: cache_last_key
-- The greatest key of a bucket, or of kv, the latest row of each key of which is in
-- part 0.
SELECT key FROM {cache} WHERE part = :part
ORDER BY key DESC LIMIT 1;
