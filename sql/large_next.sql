-- The number of the first part of one more value: a value has 32,768 of them.
SELECT ((coalesce(max(part), 0) >> 15) + 1) << 15 FROM {large};
