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
  acked_time TEXT,
  file TEXT,
  n_files INTEGER,
  bytes INTEGER,
  synced_time TEXT,
  horizon_time TEXT,
  store HIDDEN
);

-- name: device_rows
-- What is known of each device. A log's number of rows leaves out those that say
-- what it had seen.
SELECT d.device, d.id, d.seq, d.newest, d.clock_offset, d.synced, d.state,
  d.detail,
  d.seq - d.holes - (SELECT count(*) FROM {seen} AS s
           WHERE s.device = d.device AND s.seq <= d.seq),
  a.peer_seq, a.ts, CASE WHEN d.horizon > 0 THEN d.horizon END,
  EXISTS(
    SELECT 1 FROM {seen} AS r
    WHERE r.peer = d.device AND r.op = 3 AND r.peer_seq >= d.seq
      AND substr(r.peer_id, 1, 8) = substr(d.id, 1, 8))
FROM {cursor} AS d LEFT JOIN {seen} AS a
  ON a.device = d.device AND a.peer = :self AND a.seq = (
    SELECT s.seq FROM {seen} AS s
    WHERE s.device = d.device AND s.peer = :self
      AND substr(s.peer_id, 1, 8) =
        (SELECT substr(c.id, 1, 8) FROM {cursor} AS c WHERE c.device = :self)
    ORDER BY s.seq DESC LIMIT 1)
ORDER BY d.device;
