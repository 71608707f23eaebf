-- What the cache has of the other devices' logs.

-- name: proof_rows
-- All rows of other devices, in the order of their logs.
SELECT c.seq, {transaction of c by a} AS txn, c.ts, c.parent_ts, c.op, {bucket of c},
  c.key,
  c.value, c.large, c.device
FROM {cache} AS c LEFT JOIN {arrival} AS a ON a.arrived = c.arrived
WHERE c.device <> :self
UNION ALL
SELECT seq, txn, ts, peer_sum, op, peer, peer_id, peer_seq, NULL, device
FROM {seen} WHERE device <> :self
ORDER BY 10, 1;
