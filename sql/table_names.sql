-- The virtual tables of a schema.
SELECT name, sql FROM {schema}.sqlite_master
WHERE type = 'table' AND rootpage = 0;
