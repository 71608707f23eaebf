-- How many rows all logs have, as far as they are merged.
SELECT sum(seq) FROM {cursor};
