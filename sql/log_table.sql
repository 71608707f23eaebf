-- The table kv_log.

-- name: declare_log
-- The columns of kv_log.
CREATE TABLE kv_log(
  bucket TEXT,
  key,
  value,
  op TEXT,
  ts INTEGER,
  time TEXT,
  device TEXT,
  seq INTEGER,
  txn INTEGER,
  parent_ts INTEGER,
  store HIDDEN,
  PRIMARY KEY(device, seq)
) WITHOUT ROWID;

-- hole: history of {c}
-- Rows c of the cache, with the columns of kv_log in the order in which
-- log_table.c reads them.
SELECT {bucket of {c}}, {c}.key, {value {c}}, {c}.op, {c}.ts, {c}.device, {c}.seq,
  {transaction of {c} by a},
  {c}.parent_ts
FROM {cache} AS {c}
LEFT JOIN {arrival} AS a ON {c}.txn IS NULL AND a.arrived = {c}.arrived

-- hole: every part
-- All parts of the cache, each found by one seek.
(WITH RECURSIVE p(part) AS (
    SELECT 0 UNION ALL
    SELECT (SELECT min(n.part) FROM {cache} AS n WHERE n.part > p.part)
    FROM p WHERE p.part IS NOT NULL)
  SELECT p.part FROM p)

-- name: log_all
-- The whole history.
{history of c}
WHERE {visible c};

-- name: log_key
-- The history of one key, in every bucket.
{history of c}
WHERE c.part IN {every part} AND c.key = :key
  AND {visible c};

-- name: log_time
-- variants: _desc
-- The history of a stretch of time, in the order of time.
{history of c}
WHERE c.ts BETWEEN :first AND :last
  AND {visible c}
ORDER BY c.ts {asc}, c.device {asc}, c.seq {asc};
