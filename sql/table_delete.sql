-- Delete a key from a function.
DELETE FROM {table} WHERE key = :key;
