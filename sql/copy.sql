-- The copy of another device's log.

-- name: copy_rows
-- The rows of a device as they are in its log, in their order.
SELECT c.seq AS seq, c.txn, c.ts, c.parent_ts, c.op, {bucket of c}, c.key, c.value, c.large
FROM {cache} AS c WHERE c.device = :device AND c.seq <= :until
UNION ALL
SELECT seq, txn, ts, peer_sum, op, peer, peer_id, peer_seq, NULL
FROM {seen} WHERE device = :device AND seq <= :until
ORDER BY 1;
