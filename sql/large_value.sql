-- The parts of a large value, in order.
SELECT part, is_text, n_bytes, bytes FROM {large}
WHERE part BETWEEN :first AND :first + 0x7fff
ORDER BY part;
