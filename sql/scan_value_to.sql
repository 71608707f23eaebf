-- All rows of the keys between two bounds, with no more than their values.
SELECT key, op, value, large
FROM {cache}
WHERE is_old = 0 AND key >= :low AND key <= :high
  AND kv_batch(:batch, key, CASE WHEN value IS NOT NULL THEN value
    WHEN op = 0 THEN :batch END, large)
ORDER BY key, ts DESC, device DESC, seq DESC;
