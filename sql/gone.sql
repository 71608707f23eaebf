-- Directories of retired devices.

-- name: gone_known
-- How far anybody says to have merged the log of a device, and of which generation.
SELECT max(s.peer_seq), max(s.peer_id) FROM {cursor} AS d CROSS JOIN {seen} AS s
WHERE d.device = :device AND s.peer = d.device
  AND substr(s.peer_id, 1, 8) = substr(d.id, 1, 8);
