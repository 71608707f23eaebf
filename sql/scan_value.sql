-- All rows of the keys from a bound on, with no more than their values.
SELECT key, op, value
FROM {cache}
WHERE is_old = 0 AND bucket = '' AND key >= :low
ORDER BY key, ts DESC, device DESC, seq DESC;
