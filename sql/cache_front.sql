-- The rows in front, the latest of each key first.
SELECT key, ts, device, seq
FROM {cache}
WHERE is_old = 0
ORDER BY key, ts DESC, device DESC, seq DESC;
