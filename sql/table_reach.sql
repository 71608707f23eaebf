-- Connect a virtual table by naming it; run to its end, it reads no row but
-- what has changed in the schema.
SELECT key FROM {table} LIMIT 0;
