-- Folding the log rows of a key of a typed table.

-- name: folded_logs
-- The logs that are merged.
SELECT device, id FROM {cursor} ORDER BY device;

-- name: folded_seen
-- How far a device had merged another log when it wrote a row.
SELECT peer_id, peer_seq FROM {seen}
WHERE device = :device AND peer = :peer AND seq < :seq
ORDER BY seq DESC LIMIT 1;

-- name: folded_rows
-- All log rows of a key.
SELECT c.op, c.ts, c.device, c.seq, {value c}
FROM {cache} AS c
WHERE c.part = :bucket AND c.key = :key;
