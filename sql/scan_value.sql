-- All rows of the keys from a bound on, with no more than their values.
SELECT key, op, value, large
FROM {cache}
WHERE is_old = 0 AND key >= :low
  AND kv_batch(:batch, key, CASE WHEN value IS NOT NULL THEN value
    WHEN op = 0 THEN :batch END, large)
ORDER BY key, ts DESC, device DESC, seq DESC;
