-- What SQL sees of kv_log.
CREATE TABLE kv_log(
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
  store HIDDEN,
  PRIMARY KEY(device, seq)
) WITHOUT ROWID;
