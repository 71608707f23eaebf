-- Which row of a log is the last but one.
SELECT seq, txn FROM log ORDER BY seq DESC LIMIT 1 OFFSET 1;
