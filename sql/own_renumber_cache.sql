-- Move own rows behind those that another process published first.
UPDATE {cache} SET seq = seq + :shift, txn = txn + :shift
WHERE device = :self AND seq > :after;
