-- The cache itself: its format, its incarnation (epoch), the machine it is on.
CREATE TABLE {meta}(
  format INTEGER PRIMARY KEY,
  epoch BLOB NOT NULL,
  machine TEXT NOT NULL
) WITHOUT ROWID;
