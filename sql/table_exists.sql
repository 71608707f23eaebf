-- Is there still a table of this name?
SELECT 1 FROM {schema}.sqlite_master WHERE type = 'table' AND name = :name;
