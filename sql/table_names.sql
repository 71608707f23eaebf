-- The kv tables of a schema.
SELECT name FROM {schema}.sqlite_master
WHERE type = 'table' AND sql LIKE 'create virtual table%using kv(%';
