-- The row of a key before its latest one.
SELECT key, op, value
FROM {cache}
WHERE bucket = '' AND key = :key
ORDER BY ts DESC, device DESC, seq DESC LIMIT 1 OFFSET 1;
