-- The table kv_foreign.

-- name: declare_foreign
-- The columns of kv_foreign.
CREATE TABLE kv_foreign(
  bucket TEXT,
  key,
  value,
  op TEXT,
  ts INTEGER,
  time TEXT,
  device TEXT,
  seq INTEGER,
  txn INTEGER,
  parent_ts INTEGER,
  valid INTEGER,
  reason TEXT,
  file HIDDEN,
  PRIMARY KEY(file, seq)
) WITHOUT ROWID;
