-- Move a row that has been superseded to the back.
UPDATE OR REPLACE {cache} SET is_old = 1
WHERE is_old = 0 AND key = :key AND ts = :ts
  AND device = :device AND seq = :seq;
