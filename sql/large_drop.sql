-- Remove a shadow table.
DROP TABLE IF EXISTS {large};
