-- The tables of a schema that look like those of kv.
SELECT name FROM {schema}.sqlite_master
WHERE type = 'table' AND lower(sql) GLOB 'create virtual table*using*kv*';
