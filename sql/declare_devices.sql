-- What SQL sees of kv_devices.
CREATE TABLE kv_devices(
  device TEXT,
  state TEXT,
  detail TEXT,
  is_self INTEGER,
  n_rows INTEGER,
  last_seq INTEGER,
  last_time TEXT,
  unpublished INTEGER,
  clock_offset_ms INTEGER,
  acked_seq INTEGER,
  file TEXT,
  bytes INTEGER,
  synced_time TEXT,
  store HIDDEN
);
