-- The commits and merges that brought rows into this cache, in order, each
-- with the times of its rows, by which they are found.
CREATE TABLE {arrival}(
  arrived INTEGER PRIMARY KEY,
  device TEXT NOT NULL,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  first_ts INTEGER NOT NULL,
  last_ts INTEGER NOT NULL
) WITHOUT ROWID;
