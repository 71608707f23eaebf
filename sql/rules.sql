-- UNIQUE and FOREIGN KEY of typed tables.

-- name: rules_exists
-- Is there a row with these values?
SELECT 1 FROM {data} WHERE {where} LIMIT 1;

-- name: rules_schema
-- A number that changes with the schema.
PRAGMA {schema}.schema_version;
