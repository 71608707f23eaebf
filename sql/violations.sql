-- What the logs hold and a declaration does not allow. {key} are the columns of the
-- primary key, {group} those of a rule, {known} says that they are not NULL.

-- name: violations_hidden
-- The rows that are not shown, or not whole.
SELECT key, rule, column_name, detail, is_hidden FROM {hidden} ORDER BY key;

-- name: violations_unique
-- Rows that share the values of UNIQUE columns, those with the same ones together.
SELECT {key}, {group} FROM {data}
WHERE ({group}) IN (
  SELECT {group} FROM {data} WHERE {known}
  GROUP BY {group} HAVING count(*) > 1)
ORDER BY {group};

-- name: violations_birth
-- When a row was first inserted: the first name in its record is "".
SELECT c.ts, c.device, c.seq FROM {cache} AS c
WHERE c.part = :bucket AND c.key = :key AND c.op = 1
  AND substr({value c}, 2, 4) = '"":1'
ORDER BY c.ts, c.device, c.seq LIMIT 1;

-- name: violations_foreign
-- Rows whose parent is not there: {matched} finds it.
SELECT {key} FROM {data} AS c
WHERE {known} AND NOT EXISTS(SELECT 1 FROM {parent} AS p WHERE {matched})
ORDER BY {key};
