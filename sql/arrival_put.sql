-- A commit or merge brought rows of a device.
INSERT OR REPLACE INTO {arrival}(arrived, device, first_seq, last_seq)
VALUES(:arrived, :device, :first_seq, :last_seq);
