-- How many rows all logs have, as far as they are merged.
SELECT coalesce(sum(seq), 0) FROM {cursor};
