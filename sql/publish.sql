-- Committing.

-- name: own_value
-- A value that the running transaction wrote. All rows of the transaction have one
-- time, so the key finds it; and those of kv are in front, because no sweep runs
-- before the transaction ends.
SELECT value, large FROM {cache}
WHERE part = {first part} AND key = :key AND ts = :ts
  AND device = :self
ORDER BY seq DESC LIMIT 1;
