-- The cache itself: its format, its incarnation (epoch), the machine it is on,
-- and whether the index by time is there.
CREATE TABLE {meta}(
  format INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL,
  machine TEXT NOT NULL,
  is_indexed INTEGER NOT NULL
) WITHOUT ROWID;
