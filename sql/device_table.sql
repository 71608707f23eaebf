-- The table kv_devices.

-- name: declare_devices
-- The columns of kv_devices.
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

-- name: device_rows
-- What is known of each device. A log's number of rows leaves out those that say
-- what it had seen.
SELECT d.device, d.id, d.seq, d.newest, d.clock_offset, d.synced, d.state,
  d.detail,
  d.seq - (SELECT count(*) FROM {seen} AS s
           WHERE s.device = d.device AND s.seq <= d.seq),
  (SELECT s.peer_seq FROM {seen} AS s
   WHERE s.device = d.device AND s.peer = :self
     AND s.peer_id = (SELECT id FROM {cursor} WHERE device = :self)
   ORDER BY s.seq DESC LIMIT 1)
FROM {cursor} AS d ORDER BY d.device;
