-- The latest value of a key. Text and blobs are the key that was asked for; a
-- number, which is less than text, may be stored as another one (1 and 1.0).
SELECT CASE WHEN :key < '' THEN key END, op, value
FROM {cache}
WHERE is_old = 0 AND key = :key
ORDER BY ts DESC, device DESC, seq DESC;
