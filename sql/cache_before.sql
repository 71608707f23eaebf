-- The row of a key before its latest one.
SELECT key, op, value, large
FROM {cache}
WHERE is_old IN (0, 1) AND bucket = '' AND key = :key
ORDER BY ts DESC, device DESC, seq DESC LIMIT 1 OFFSET 1;
