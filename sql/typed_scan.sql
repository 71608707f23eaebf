-- Reading a typed table.

-- name: typed_scan_run
-- A query of the table: {list} are the columns that it uses, {rest} its conditions.
SELECT {list} FROM {data}{rest};
