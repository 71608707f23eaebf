-- The number of the last row of a log, without its value.
SELECT seq FROM log ORDER BY seq DESC LIMIT 1;
