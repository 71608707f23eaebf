-- The latest row of a key.
SELECT key, op, value, large, ts, device, parent_ts, seq
FROM {cache}
WHERE is_old = 0 AND key = :key
ORDER BY ts DESC, device DESC, seq DESC;
