-- The same for seen rows.
UPDATE {seen} SET seq = :shift - seq, txn = txn + :shift
WHERE device = :self AND seq < 0;
