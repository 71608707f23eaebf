-- The commits and merges that brought rows into this cache, in order.
CREATE TABLE {arrival}(
  arrived INTEGER PRIMARY KEY,
  device TEXT NOT NULL,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL
) WITHOUT ROWID;
