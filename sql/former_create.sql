-- Logs that another one of the same device took the place of, and up to where
-- they had been read; n grows.
CREATE TABLE {former}(
  device TEXT NOT NULL,
  id BLOB NOT NULL,
  seq INTEGER NOT NULL,
  sum INTEGER NOT NULL,
  newest INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY(device, id)
) WITHOUT ROWID;
