-- Large values, beside the cache: a search in that reads each row whole that it
-- compares with. A value is cut into parts, which are numbered from
-- {cache}.large on.
CREATE TABLE {large}(
  part INTEGER PRIMARY KEY,
  is_text INTEGER NOT NULL,
  n_bytes INTEGER NOT NULL,
  bytes BLOB NOT NULL
);
