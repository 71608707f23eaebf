-- What SQL sees of kv_conflicts.
CREATE TABLE kv_conflicts(
  bucket TEXT,
  key,
  value,
  device TEXT,
  ts INTEGER,
  time TEXT,
  lost_value,
  lost_device TEXT,
  lost_ts INTEGER,
  lost_time TEXT,
  op TEXT,
  store HIDDEN,
  PRIMARY KEY(bucket, key, lost_device, lost_ts)
) WITHOUT ROWID;
