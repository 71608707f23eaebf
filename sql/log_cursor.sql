-- How far each log is merged.

-- name: cursor_get
-- How far a device's log is merged.
SELECT id, seq, sum, published_seq, published_sum, waiting_seq, waiting_sum,
  former_id, former_seq, former_sum, horizon, holes, last_ts, newest, clock_offset,
  synced,  stamp_inode, stamp_size, stamp_mtime, stamp_ctime, state, detail
FROM {cursor} WHERE device = :device;

-- name: cursor_put
-- Note how far a device's log is merged: the columns of cursor_get.
INSERT OR REPLACE INTO {cursor}
  (device, id, seq, sum, published_seq, published_sum, waiting_seq, waiting_sum,
   former_id, former_seq, former_sum, horizon, holes,
   last_ts, newest, clock_offset, synced,
   stamp_inode, stamp_size, stamp_mtime, stamp_ctime, state, detail)
VALUES(:device, :id, :seq, :sum, :published_seq, :published_sum, :waiting_seq,
  :waiting_sum, :former_id, :former_seq, :former_sum, :horizon, :holes,
  :last_ts, :newest, :clock_offset, :synced,
  :stamp_inode, :stamp_size, :stamp_mtime, :stamp_ctime, :state, :detail);

-- name: cursor_names
-- The known devices.
SELECT device FROM {cursor} ORDER BY device;

-- name: former_get
-- How far a log had been read when another one replaced it.
SELECT seq, sum, newest FROM {former} WHERE device = :device AND id = :id;

-- name: former_put
-- Note that a log was replaced.
INSERT OR REPLACE INTO {former}(device, id, seq, sum, newest, n)
VALUES(:device, :id, :seq, :sum, :newest,
  (SELECT CASE WHEN max(n) IS NULL THEN 1 ELSE max(n) + 1 END
   FROM {former} WHERE device = :device));

-- name: former_trim
-- Keep only the last eight replaced logs of a device.
DELETE FROM {former} WHERE device = :device AND n <=
  (SELECT n FROM {former} WHERE device = :device
   ORDER BY n DESC LIMIT 1 OFFSET 8);
