-- The latest value of a key.
SELECT key, op, value
FROM {cache}
WHERE is_old = 0 AND bucket = '' AND key = :key
ORDER BY ts DESC, device DESC, seq DESC;
