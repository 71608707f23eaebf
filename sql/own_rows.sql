-- Own rows in the cache, on their way to the own log.

-- name: own_rows
-- Own rows as they are in the log, in their order.
SELECT c.seq AS seq,
  {transaction of c by a} AS txn,
  c.ts, c.parent_ts, c.op, {bucket of c}, c.key, c.value, c.large
FROM {cache} AS c LEFT JOIN {arrival} AS a ON a.arrived = c.arrived
WHERE c.device = :self AND c.seq > :after AND c.seq <= :until
UNION ALL
SELECT seq, txn, ts, peer_sum, op, peer, peer_id, peer_seq, NULL
FROM {seen}
WHERE device = :self AND seq > :after AND seq <= :until
ORDER BY 1;

-- name: own_rows_recent
-- The same by the index by time. The walk goes back over the own commits, from the
-- last one, until it has all numbers. The rows of a commit have its times. (An
-- older commit may have had the same numbers, for rows that were discarded.)
WITH RECURSIVE walk(arrived, n) AS (
  SELECT 9223372036854775807, 0
  UNION ALL
  SELECT b.arrived, walk.n + CASE
    WHEN b.last_seq <= :after OR b.first_seq > :until THEN 0
    ELSE (CASE WHEN b.last_seq < :until THEN b.last_seq ELSE :until END)
      - (CASE WHEN b.first_seq > :after THEN b.first_seq - 1 ELSE :after END)
    END
  FROM walk CROSS JOIN {arrival} AS b
  WHERE walk.n < :until - :after
    AND b.arrived = (
      SELECT p.arrived FROM {arrival} AS p
      WHERE p.device = :self AND p.arrived < walk.arrived
      ORDER BY p.arrived DESC LIMIT 1))
SELECT c.seq AS seq,
  {transaction of c by a} AS txn,
  c.ts, c.parent_ts, c.op, {bucket of c}, c.key, c.value, c.large
FROM walk CROSS JOIN {arrival} AS b CROSS JOIN {cache} AS c
  LEFT JOIN {arrival} AS a ON a.arrived = c.arrived
WHERE b.arrived = walk.arrived
  AND c.ts BETWEEN b.first_ts AND b.last_ts AND +c.device = :self
  AND +c.seq BETWEEN b.first_seq AND b.last_seq AND c.arrived <= b.arrived
  AND +c.seq > :after AND +c.seq <= :until
UNION ALL
SELECT seq, txn, ts, peer_sum, op, peer, peer_id, peer_seq, NULL
FROM {seen}
WHERE device = :self AND seq > :after AND seq <= :until
ORDER BY 1;
