-- What ext/db asks of any connection, and the holes of other texts.

-- hole: value {c}
-- The value of row c of the cache: it is in the row, or large and beside the cache in
-- parts.
CASE WHEN {c}.large IS NULL THEN {c}.value ELSE (
    SELECT kv_join(p.part, p.is_text, p.n_bytes, p.bytes) FROM {large} AS p
    WHERE p.part BETWEEN {c}.large AND {c}.large + 0x7fff) END

-- hole: rows {n} of {c}
-- The rows n of the cache that have the key of row c, in front and in the back.
{n}.is_old IN (0, 1) AND {n}.bucket = {c}.bucket AND {n}.key = {c}.key

-- hole: visible {c}
-- Row c was there when the running query began: if it is an own row, its number is
-- not behind :until.
({c}.device IS NOT :self OR {c}.seq <= :until)

-- hole: latest {c}
-- Row c is the latest of its key: no other one has a later time or, at the same
-- time, a greater device name or, of the same device, a greater number. This is the
-- rule of "last writer wins". (In c's query no table may be called n.)
NOT EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE {rows n of {c}}
      AND (n.ts, n.device, n.seq) > ({c}.ts, {c}.device, {c}.seq)
      AND {visible n})

-- hole: transaction of {c} by {a}
-- The transaction of row c: the number of its last row. This cache's own commits
-- leave txn NULL, and their arrival a tells the number.
CASE WHEN {c}.txn IS NOT NULL THEN {c}.txn
       WHEN {a}.last_seq IS NOT NULL THEN {a}.last_seq ELSE {c}.seq END

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
