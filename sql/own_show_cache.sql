-- Put own rows that were set aside behind those of the new log.
UPDATE {cache} SET seq = :shift - seq, txn = txn + :shift
WHERE device = :self AND seq < 0;
