-- All rows of the keys between two bounds, the latest of each key first.
SELECT key, value, ts, device, parent_ts, op, seq
FROM {cache}
WHERE bucket = '' AND ts <= :as_of AND key >= :low AND key <= :high
ORDER BY bucket, key, ts DESC, device DESC, seq DESC;
