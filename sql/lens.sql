-- What a typed table shows of a row that is not in the table behind it.

-- name: lens_check
-- Does a row keep what is declared as CHECK? {casts} are its values as columns with
-- the affinities that they have there, {checks} the expressions.
SELECT 1 FROM (SELECT {casts}) AS {data.name} WHERE {checks};
