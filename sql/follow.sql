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
-- The keys of a bucket with rows that came by merges after an arrival.
SELECT DISTINCT key FROM {cache}
WHERE part = :bucket AND arrived > :after AND txn IS NOT NULL
ORDER BY key;

-- name: follow_all
-- All keys of a bucket.
SELECT DISTINCT key FROM {cache}
WHERE part = :bucket
ORDER BY key;
