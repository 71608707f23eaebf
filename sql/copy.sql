-- The copy of another device's log.

-- name: copy_rows
-- The rows of a device as they are in its log, in their order.
SELECT seq, txn, ts, parent_ts, op, bucket, key, value, large
FROM {cache} WHERE device = :device AND seq <= :until
UNION ALL
SELECT seq, txn, ts, peer_sum, op, peer, peer_id, peer_seq, NULL
FROM {seen} WHERE device = :device AND seq <= :until
ORDER BY 1;
