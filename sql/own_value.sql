-- A value that the running transaction wrote.
SELECT value FROM {cache}
WHERE bucket = '' AND key = :key AND ts = :ts AND device = :self
ORDER BY seq DESC LIMIT 1;
