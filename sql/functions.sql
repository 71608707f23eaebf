-- Functions: a store opened and closed, a key read and written.

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
-- Set a key from a function: of more than one row to SQLite, so that an
-- enclosing statement that fails takes it back.
INSERT INTO {table}(key, value) SELECT :key, :value;

-- name: table_delete
-- Delete a key from a function.
DELETE FROM {table} WHERE key = :key;

-- name: cache_before
-- The row of a key before its latest one.
SELECT key, op, value, large
FROM {cache}
WHERE is_old IN (0, 1) AND bucket = '' AND key = :key
ORDER BY ts DESC, device DESC, seq DESC LIMIT 1 OFFSET 1;
