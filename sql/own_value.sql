-- A value that the running transaction wrote; by its key, as all its rows
-- have one time. They are in front: nothing is swept before it ends.
SELECT {value c} FROM {cache} AS c
WHERE c.is_old = 0 AND c.key = :key AND c.ts = :ts AND c.device = :self
ORDER BY c.seq DESC LIMIT 1;
