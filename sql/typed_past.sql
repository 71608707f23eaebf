-- Reading a typed table as it was.

-- name: past_rows
-- variants: _to
-- The log rows of a stretch of keys up to a time, those of a key together.
-- past_rows_to ends at the key :high.
SELECT c.key, c.op, c.ts, c.device, c.seq, {value c}
FROM {cache} AS c
WHERE c.part = :bucket AND c.key >= :low {to: AND c.key <= :high}
  AND c.ts <= :as_of AND {visible c}
ORDER BY c.key;
