-- The number of the first part of one more value: a value has 32,768 of them.
SELECT (CASE WHEN max(part) IS NULL THEN 1 ELSE (max(part) >> 15) + 1 END) << 15
FROM {large};
