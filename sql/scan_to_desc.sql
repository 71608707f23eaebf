-- Between two bounds backwards: the latest row of each key last.
SELECT key, op, value, large, ts, device, parent_ts
FROM {cache}
WHERE is_old = 0 AND key >= :low AND key <= :high
ORDER BY key DESC, ts, device, seq;
