-- The keys from a bound on, the latest row of each first.
SELECT key, op, value, large, ts, device, parent_ts
FROM {cache}
WHERE is_old = 0 AND key >= :low
ORDER BY key, ts DESC, device DESC, seq DESC;
