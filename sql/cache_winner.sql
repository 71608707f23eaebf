-- What a write of a key replaces.
SELECT ts, device, seq, op, parent_ts
FROM {cache}
WHERE is_old = 0 AND bucket = '' AND key = :key
ORDER BY ts DESC, device DESC, seq DESC;
