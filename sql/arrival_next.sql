-- The number of the next commit or merge.
SELECT coalesce(max(arrived), 0) + 1 FROM {arrival};
