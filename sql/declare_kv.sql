-- What SQL sees of kv.
CREATE TABLE kv(
  key PRIMARY KEY NOT NULL,
  value,
  as_of HIDDEN,
  ts INTEGER HIDDEN,
  time TEXT HIDDEN,
  device TEXT HIDDEN,
  parent_ts INTEGER HIDDEN
) WITHOUT ROWID;
