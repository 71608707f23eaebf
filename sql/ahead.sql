-- Rows that are read ahead.

-- name: cache_ahead
-- The rows of the keys from one on, the latest row of each key first; values are
-- not needed.
SELECT key, op, NULL, NULL, ts, device, parent_ts, seq
FROM {cache}
WHERE part = 0 AND key >= :key
ORDER BY key, ts DESC, device DESC, seq DESC;
