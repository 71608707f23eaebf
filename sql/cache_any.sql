-- Is there any row?
SELECT 1 FROM {cache} LIMIT 1;
