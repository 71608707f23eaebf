-- All rows of the keys between two bounds, the latest of each key first.
SELECT key, op, value, ts, device, parent_ts
FROM {cache}
WHERE bucket = '' AND key >= :low AND key <= :high
  AND ts <= :as_of
ORDER BY bucket, key, ts DESC, device DESC, seq DESC;
