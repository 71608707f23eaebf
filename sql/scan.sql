-- All rows of the keys from a bound on, the latest of each key first.
SELECT key, op, value, ts, device, parent_ts
FROM {cache}
WHERE bucket = '' AND key >= :low
  AND ts <= :as_of
ORDER BY bucket, key, ts DESC, device DESC, seq DESC;
