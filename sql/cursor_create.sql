-- How far each device's log is merged; for the own one also published.
CREATE TABLE {cursor}(
  device TEXT PRIMARY KEY,
  id BLOB,
  seq INTEGER NOT NULL,
  sum INTEGER NOT NULL,
  published_seq INTEGER,
  published_sum INTEGER,
  waiting_seq INTEGER,
  waiting_sum INTEGER,
  last_ts INTEGER,
  newest INTEGER,
  clock_offset INTEGER,
  synced INTEGER,
  stamp BLOB,
  state TEXT NOT NULL,
  detail TEXT
) WITHOUT ROWID;
