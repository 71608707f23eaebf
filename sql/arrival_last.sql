-- The number of the last commit or merge.
SELECT coalesce(max(arrived), 0) FROM {arrival};
