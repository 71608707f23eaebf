-- Which cache is this? No other one has the number.
SELECT id FROM {meta};
