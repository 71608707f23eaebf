-- What SQL sees of kv_changes.
CREATE TABLE kv_changes(
  cursor INTEGER,
  bucket TEXT,
  key,
  value,
  op TEXT,
  ts INTEGER,
  time TEXT,
  device TEXT,
  is_reset INTEGER,
  after HIDDEN,
  store HIDDEN,
  PRIMARY KEY(bucket, key)
) WITHOUT ROWID;
