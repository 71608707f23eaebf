-- A value that the running transaction wrote; by its key, as all its rows
-- have one time. They are in front: nothing is swept before it ends.
SELECT value, large FROM {cache}
WHERE is_old = 0 AND key = :key AND ts = :ts AND device = :self
ORDER BY seq DESC LIMIT 1;
