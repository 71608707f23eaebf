-- Own rows as they stand in the log, in order, from the cache.
SELECT c.seq AS seq,
  CASE WHEN c.txn IS NOT NULL THEN c.txn
       WHEN a.last_seq IS NOT NULL THEN a.last_seq ELSE c.seq END AS txn,
  c.ts, c.parent_ts, c.op, c.bucket, c.key, c.value, c.large
FROM {cache} AS c LEFT JOIN {arrival} AS a ON a.arrived = c.arrived
WHERE c.device = :self AND c.seq > :after AND c.seq <= :until
UNION ALL
SELECT seq, txn, ts, peer_sum, 2, peer, peer_id, peer_seq, NULL
FROM {seen}
WHERE device = :self AND seq > :after AND seq <= :until
ORDER BY 1;
