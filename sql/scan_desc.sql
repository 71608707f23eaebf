-- The same backwards: the latest row of each key last.
SELECT key, value, ts, device, parent_ts, op, seq
FROM {cache}
WHERE bucket = '' AND ts <= :as_of AND key >= :low
ORDER BY bucket DESC, key DESC, ts, device, seq;
