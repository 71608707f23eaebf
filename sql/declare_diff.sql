-- What SQL sees of kv_diff.
CREATE TABLE kv_diff(
  bucket TEXT,
  key,
  change TEXT,
  old_value,
  new_value,
  start HIDDEN,
  stop HIDDEN,
  store HIDDEN,
  PRIMARY KEY(bucket, key)
) WITHOUT ROWID;
