-- The latest value of a key that is text or a blob: it is the one that was
-- asked for. (A number may be stored as another one, 1 and 1.0.)
SELECT NULL, op, value, large
FROM {cache}
WHERE is_old = 0 AND key = :key
ORDER BY ts DESC, device DESC, seq DESC;
