-- Foreign keys of ordinary tables to the rows of a typed table.

-- name: referred_by
-- A table with one, if there are rows, or in any case.
SELECT m.name FROM {schema}.sqlite_master AS m
  JOIN pragma_foreign_key_list(m.name, :schema) AS f
WHERE m.type = 'table' AND f."table" COLLATE NOCASE = :table || '_data'
  AND (:in_any_case OR EXISTS(SELECT 1 FROM {data}))
LIMIT 1;
