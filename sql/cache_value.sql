-- The latest value of a key.
SELECT key, op, value
FROM {cache}
WHERE bucket = '' AND key = :key
ORDER BY ts DESC, device DESC, seq DESC;
