-- The schemas of a connection, and the tables in them that are stores.

-- name: schema_names
-- The schemas of a connection.
PRAGMA database_list;

-- name: table_names
-- The virtual tables of a schema.
SELECT name, sql FROM {schema}.sqlite_master
WHERE type = 'table' AND rootpage = 0;

-- name: table_reach
-- Naming a virtual table makes SQLite connect it. Run to its end, it reads no row,
-- but SQLite notices a changed schema.
SELECT key FROM {table} LIMIT 0;
