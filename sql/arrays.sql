-- Elements of sets and lists.

-- name: arrays_real
-- The real that a text says.
SELECT CAST(:text AS REAL);
