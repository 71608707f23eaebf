-- Parts that many texts share, and what is asked of any connection.

-- hole: value {c}
-- The value of row c of the cache. A large value is beside the cache.
CASE WHEN {c}.large IS NULL THEN {c}.value ELSE (
    SELECT v.value FROM {large} AS v WHERE v.id = {c}.large
    UNION ALL SELECT kv_missing()) END

-- hole: rows {n} of {c}
-- Rows n of kv have the same key as row c. They are in front or in the back.
{n}.part IN (0, 1) AND {n}.key = {c}.key

-- hole: any rows {n} of {c}
-- The same, if row c may also be of a typed table.
{n}.part IN (CASE {c}.part WHEN 1 THEN 0 ELSE {c}.part END,
    CASE {c}.part WHEN 0 THEN 1 ELSE {c}.part END)
  AND {n}.key = {c}.key

-- hole: bucket of {c}
-- The bucket of row c: parts with numbers are those of kv.
CASE WHEN {c}.part > 1 THEN {c}.part ELSE '' END

-- hole: first part
-- Where the latest rows of :bucket are.
CASE :bucket WHEN '' THEN 0 ELSE :bucket END

-- hole: parts of bucket
-- Where all rows of :bucket are.
(CASE :bucket WHEN '' THEN 0 ELSE :bucket END,
  CASE :bucket WHEN '' THEN 1 ELSE :bucket END)

-- hole: visible {c}
-- Row c existed when the running query began: it is another device's, or an own
-- row up to number :until.
({c}.device IS NOT :self OR {c}.seq <= :until)

-- hole: latest {c}
-- Row c is the latest of its key: no other row of the key has a later time or, of
-- the same time, a greater device name or, of the same device, a greater number.
-- This is the rule "last writer wins". (The query around it must not call a table
-- n.)
NOT EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE {rows n of {c}}
      AND (n.ts, n.device, n.seq) > ({c}.ts, {c}.device, {c}.seq)
      AND {visible n})

-- hole: transaction of {c} by {a}
-- The transaction of row c, which is the number of its last row. txn is NULL in
-- rows that this cache committed; then their arrival a tells it.
CASE WHEN {c}.txn IS NOT NULL THEN {c}.txn
       WHEN {a}.last_seq IS NOT NULL THEN {a}.last_seq ELSE {c}.seq END

-- hole: said by self
-- The peers of which this device has said how far it had merged them, found by a
-- seek each.
said(peer) AS (
  SELECT min(peer) FROM {seen} WHERE device = :self
  UNION ALL
  SELECT (SELECT min(s.peer) FROM {seen} AS s
          WHERE s.device = :self AND s.peer > said.peer)
  FROM said WHERE said.peer IS NOT NULL)

-- name: poll
-- Work that stands for rows that were verified meanwhile, so that the host's
-- progress handler counts it. It fails if the host was interrupted.
WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 128)
SELECT count(*) FROM i;

-- name: query_only
-- Does the host forbid writing?
PRAGMA query_only;

-- name: query_only_off
-- Allow writing: what was written before the host forbade it must get into the
-- cache.
PRAGMA query_only = 0;

-- name: query_only_on
-- Forbid writing again.
PRAGMA query_only = 1;
