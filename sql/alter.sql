-- Changing the declaration of a typed table: {declaration} is the new one.

-- name: alter_objects
-- The indexes and triggers on the rows.
SELECT type, name, sql FROM {schema}.sqlite_master
WHERE tbl_name COLLATE NOCASE = :table || '_data' AND type IN ('index', 'trigger')
  AND sql IS NOT NULL
ORDER BY type, name;

-- name: alter_temp
-- A temporary trigger on them.
SELECT name FROM temp.sqlite_master
WHERE type = 'trigger' AND tbl_name COLLATE NOCASE = :table || '_data';

-- name: alter_clear
-- Take the rows away, so that triggers see them go.
DELETE FROM {data};

-- name: alter_drop
-- Drop the table.
DROP TABLE IF EXISTS {table};

-- name: alter_create
-- Create it again. The line ends a comment of the declaration.
CREATE VIRTUAL TABLE {table} USING kv_table({declaration}
);
