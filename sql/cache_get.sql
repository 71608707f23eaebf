-- The latest row of a key, or the latest up to a time.
SELECT key, value, ts, device, parent_ts, op, seq
FROM {cache}
WHERE bucket = '' AND key = :key AND ts <= :as_of
ORDER BY ts DESC, device DESC, seq DESC LIMIT 1;
