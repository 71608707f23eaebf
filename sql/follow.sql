-- Typed tables that follow the cache.

-- name: follow_tables
-- The virtual tables of a schema.
SELECT name, sql FROM {schema}.sqlite_master
WHERE type = 'table' AND rootpage = 0
ORDER BY name;

-- name: follow_table
-- One of them, by its name.
SELECT name, sql FROM {schema}.sqlite_master
WHERE type = 'table' AND rootpage = 0 AND name = :name COLLATE NOCASE;

-- name: follow_state
-- The epoch of the cache, and its last merge.
SELECT epoch, merged FROM {meta};

-- name: follow_new
-- The log rows of keys that got some by merges after an arrival, those of a key
-- together.
SELECT c.key, c.op, c.ts, c.device, c.seq, {value c}
FROM (SELECT DISTINCT key FROM {cache}
      WHERE part = :bucket1 AND arrived > :after AND txn IS NOT NULL) AS new
CROSS JOIN {cache} AS c
WHERE c.part = :bucket2 AND c.key = new.key;

-- name: follow_all
-- All log rows of a bucket, those of a key together.
SELECT c.key, c.op, c.ts, c.device, c.seq, {value c}
FROM {cache} AS c
WHERE c.part = :bucket
ORDER BY c.key;
