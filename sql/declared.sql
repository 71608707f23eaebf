-- Declarations of typed tables in the own log.

-- name: declared_last
-- What this device declared last.
SELECT {value c} FROM {cache} AS c
WHERE c.part = '#schema' AND c.key = :bucket
  AND c.device = :self AND c.op = 1
ORDER BY c.ts DESC, c.seq DESC LIMIT 1;
