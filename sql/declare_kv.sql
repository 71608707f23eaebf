-- What SQL sees of kv.
CREATE TABLE kv(
  key PRIMARY KEY NOT NULL,
  value,
  as_of HIDDEN,
  ts HIDDEN,
  time HIDDEN,
  device HIDDEN,
  parent_ts HIDDEN
) WITHOUT ROWID;
