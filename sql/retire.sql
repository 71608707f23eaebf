-- Retiring devices.

-- name: retire_is_done
-- Does a row say that a device is retired, up to where its log is merged?
SELECT 1 FROM {cursor} AS d CROSS JOIN {seen} AS s
WHERE d.device = :device AND s.peer = d.device AND s.op = 3
  AND substr(s.peer_id, 1, 8) = substr(d.id, 1, 8) AND s.peer_seq >= d.seq
LIMIT 1;

-- name: retire_chain
-- The devices that a device has retired, beside the own one.
SELECT DISTINCT peer FROM {seen}
WHERE device = :device AND op = 3 AND peer <> :self;
