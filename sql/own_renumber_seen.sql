-- The same for seen rows; negative for a moment, so that none meets another.
UPDATE {seen} SET seq = -(seq + :shift), txn = txn + :shift
WHERE device = :self AND seq > :after;
