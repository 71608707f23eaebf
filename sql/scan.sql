-- All rows of the keys from a bound on, the latest of each key first.
SELECT key, value, ts, device, parent_ts, op, seq
FROM {cache}
WHERE bucket = '' AND ts <= :as_of AND key >= :low
ORDER BY bucket, key, ts DESC, device DESC, seq DESC;
