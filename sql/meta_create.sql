-- The cache itself: its format, its number among all caches (id), its
-- incarnation (epoch), the machine it is on, whether the index by time is
-- there, and when superseded rows were moved to the back last: the arrival, the
-- rows of all devices, those left in front.
CREATE TABLE {meta}(
  format INTEGER PRIMARY KEY,
  id INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  machine TEXT NOT NULL,
  is_indexed INTEGER NOT NULL DEFAULT 0,
  swept_arrival INTEGER NOT NULL DEFAULT 0,
  swept_rows INTEGER NOT NULL DEFAULT 0,
  n_front INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
