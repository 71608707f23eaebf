-- All rows of the keys between two bounds, the latest of each key first.
SELECT key, op, value, large, ts, device, parent_ts
FROM {cache}
WHERE is_old = 0 AND key >= :low AND key <= :high
ORDER BY key, ts DESC, device DESC, seq DESC;
