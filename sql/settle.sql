-- Writing the rows of typed tables that are settled.

-- name: settle_update
-- Change columns of a row: {changes} are their assignments.
UPDATE {data} SET {changes} WHERE {match};
