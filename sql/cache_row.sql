-- The latest row of a key up to a time.
SELECT key, op, value, ts, device, parent_ts
FROM {cache}
WHERE bucket = '' AND key = :key AND ts <= :as_of
ORDER BY ts DESC, device DESC, seq DESC;
