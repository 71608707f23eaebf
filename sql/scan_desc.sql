-- The same backwards: the latest row of each key last.
SELECT key, op, value, ts, device, parent_ts
FROM {cache}
WHERE bucket = '' AND key >= :low
  AND ts <= :as_of
ORDER BY bucket DESC, key DESC, ts, device, seq;
