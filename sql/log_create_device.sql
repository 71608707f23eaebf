-- Whose log it is: one row.
CREATE TABLE device(
  name TEXT,
  id BLOB,
  host TEXT,
  created INTEGER,
  base_seq INTEGER,
  base_sum INTEGER,
  algo TEXT
);
