-- Rows up to a time, in front and in the back, of the keys between two bounds,
-- the latest of each key last, backwards.
SELECT key, op, value, large, ts, device, parent_ts, seq FROM {cache}
WHERE is_old = 0 AND key >= :low AND key <= :high AND ts <= :as_of
UNION ALL
SELECT key, op, value, large, ts, device, parent_ts, seq FROM {cache}
WHERE is_old = 1 AND bucket = '' AND key >= :low AND key <= :high AND ts <= :as_of
ORDER BY 1 DESC, 5, 6, 8;
