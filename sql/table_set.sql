-- Set a key from a function: of more than one row to SQLite, so that an
-- enclosing statement that fails takes it back.
INSERT INTO {table}(key, value) SELECT :key, :value;
