-- Comparing a typed table with the logs.

-- name: check_listed
-- Why a key is listed.
SELECT rule FROM {hidden} WHERE key = :key;

-- name: check_rows
-- The keys of all rows.
SELECT {key} FROM {data};

-- name: check_hidden
-- All keys that are listed.
SELECT key FROM {hidden};

-- name: check_count
-- How many rows there are, shown and hidden.
SELECT (SELECT count(*) FROM {data}) + (SELECT count(*) FROM {hidden});
