-- A value that the running transaction wrote; by its key, as all its rows
-- have one time.
SELECT value FROM {cache}
WHERE is_old IN (0, 1) AND bucket = '' AND key = :key
  AND +ts = :ts AND +device = :self
ORDER BY seq DESC LIMIT 1;
