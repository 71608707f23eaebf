-- All rows of the keys from a bound on, with no more than their values.
SELECT key, op, value
FROM {cache}
WHERE bucket = '' AND key >= :low
ORDER BY bucket, key, ts DESC, device DESC, seq DESC;
