-- A text as this database keeps it.
SELECT :text;
