-- Connect a virtual table by naming it.
SELECT key FROM {table};
