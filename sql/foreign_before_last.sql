-- Where the last row of a log but one is.
SELECT seq, txn, sum FROM log ORDER BY seq DESC LIMIT 1 OFFSET 1;
