-- SQL functions of typed tables.

-- name: typed_functions_assign
-- Assign a column of a row, whatever its kind.
UPDATE {target} SET {column} = :value, _assign = :column WHERE _key = :key;

-- name: typed_functions_delete
-- Delete a row, which may be hidden.
INSERT INTO {target}(_key, _assign) VALUES(:key, '');

-- name: typed_functions_revert
-- Make a row what it was at a time, or (NULL) before its latest change.
INSERT INTO {target}(_key, _assign, {as_of}) VALUES(:key, 'as_of', :as_of);
