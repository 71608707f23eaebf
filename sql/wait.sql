-- Waiting for the files of others: kv_wait().

-- name: wait_for_files
-- The devices whose logs wait for a file. The state is that of kv_devices.
SELECT device FROM {cursor} WHERE state = :state;
