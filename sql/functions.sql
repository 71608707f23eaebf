-- What SQL functions do: open and close a store, set and delete a key.

-- name: table_any
-- Is there a table or a view of this name in any schema?
SELECT 1 FROM {table.name};

-- name: table_open
-- Open a store as a temporary virtual table.
CREATE VIRTUAL TABLE {table} USING kv({options});

-- name: table_close
-- Close a store.
DROP TABLE {table};

-- name: table_set
-- Set a key from a function. INSERT ... SELECT may write many rows, so that SQLite
-- undoes it if the enclosing statement fails; INSERT ... VALUES with one row would
-- stay.
INSERT INTO {table}(key, value) SELECT :key, :value;

-- name: table_delete
-- Delete a key from a function.
DELETE FROM {table} WHERE key = :key;
