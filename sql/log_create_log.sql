-- The rows of a log: never changed, appended only.
CREATE TABLE log(
  seq INTEGER PRIMARY KEY,
  txn INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  parent_ts INTEGER,
  op INTEGER NOT NULL,
  bucket TEXT NOT NULL,
  key NOT NULL,
  value,
  sum INTEGER NOT NULL
);
