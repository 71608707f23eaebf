-- What ext/db asks of any connection, and the holes of other texts.

-- name: row_value
-- The value of a row of the cache, in other texts {value c}: the one that it
-- has with it, or its parts.
CASE WHEN {row}.large IS NULL THEN {row}.value ELSE (
    SELECT kv_join(p.part, p.is_text, p.n_bytes, p.bytes) FROM {large} AS p
    WHERE p.part BETWEEN {row}.large AND {row}.large + 0x7fff) END;

-- name: poll
-- Work that stands for the rows verified meanwhile, so that a progress handler
-- of the host counts it; fails if the host was interrupted.
WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 128)
SELECT count(*) FROM i;

-- name: query_only
-- Does the host forbid writes?
PRAGMA query_only;

-- name: query_only_off
-- What was written before the host forbade it has to reach the cache.
PRAGMA query_only = 0;

-- name: query_only_on
-- Forbid writes again.
PRAGMA query_only = 1;
