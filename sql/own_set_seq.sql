-- Give an own row a new number; negative for a moment, so that none meets
-- another.
UPDATE {cache} SET seq = -:new, txn = :txn
WHERE is_old IN (0, 1) AND device = :self AND bucket = :bucket AND key = :key AND ts = :ts
  AND seq = :seq;
