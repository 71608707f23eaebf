-- Append one row.
INSERT INTO log(seq, txn, ts, parent_ts, op, bucket, key, value, sum)
VALUES(:seq, :txn, :ts, :parent_ts, :op, :bucket, :key, :value, :sum);
