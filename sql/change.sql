-- Writes to typed tables. The holes are those of typed.sql.

-- name: change_insert
-- A new row.
INSERT INTO {data}({columns}) VALUES({values});

-- name: change_row
-- The row of a key.
SELECT {columns} FROM {data} WHERE {match};
