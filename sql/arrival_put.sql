-- A commit or merge brought rows of a device.
INSERT OR REPLACE INTO {arrival}
  (arrived, device, first_seq, last_seq, first_ts, last_ts)
VALUES(:arrived, :device, :first_seq, :last_seq, :first_ts, :last_ts);
