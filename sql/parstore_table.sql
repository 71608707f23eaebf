-- The table kv_parstore.

-- name: declare_parstore
-- What SQL sees of kv_parstore.
CREATE TABLE kv_parstore(
  device TEXT,
  key TEXT,
  value,
  op TEXT,
  ts INTEGER,
  time TEXT,
  parent_ts INTEGER,
  seq INTEGER,
  type TEXT,
  reason TEXT,
  path HIDDEN,
  plist HIDDEN
);
