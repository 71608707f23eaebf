-- Nothing: fails if the host was interrupted.
SELECT 1;
