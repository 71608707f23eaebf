-- Own rows, as the cache holds them.

-- name: busy_timeout
-- How long the host waits for a lock, in milliseconds.
PRAGMA busy_timeout;

-- name: own_rows
-- Own rows as they stand in the log, in order, from the cache.
SELECT c.seq AS seq,
  {transaction of c by a} AS txn,
  c.ts, c.parent_ts, c.op, c.bucket, c.key, c.value, c.large
FROM {cache} AS c LEFT JOIN {arrival} AS a ON a.arrived = c.arrived
WHERE c.device = :self AND c.seq > :after AND c.seq <= :until
UNION ALL
SELECT seq, txn, ts, peer_sum, 2, peer, peer_id, peer_seq, NULL
FROM {seen}
WHERE device = :self AND seq > :after AND seq <= :until
ORDER BY 1;

-- name: own_value
-- A value that the running transaction wrote; by its key, as all its rows
-- have one time. They are in front: nothing is swept before it ends.
SELECT value, large FROM {cache}
WHERE is_old = 0 AND key = :key AND ts = :ts AND device = :self
ORDER BY seq DESC LIMIT 1;

-- name: own_waiting
-- How many own rows wait to be published.
SELECT count(*) FROM {cache}
WHERE device = :self AND seq > :after AND seq <= :until;

-- name: own_renumber_cache
-- Move own rows behind those that another process published first.
UPDATE {cache} SET seq = seq + :shift, txn = txn + :shift
WHERE device = :self AND seq > :after;

-- name: own_renumber_arrival
-- The same for the commits that brought them.
UPDATE {arrival} SET first_seq = first_seq + :shift,
  last_seq = last_seq + :shift
WHERE device = :self AND first_seq > :after;

-- name: own_renumber_seen
-- The same for seen rows; negative for a moment, so that none meets another.
UPDATE {seen} SET seq = -(seq + :shift), txn = txn + :shift
WHERE device = :self AND seq > :after;

-- name: own_renumber_seen_end
-- And back to positive.
UPDATE {seen} SET seq = -seq WHERE device = :self AND seq < 0;

-- name: seen_restore
-- What a device had said last, up to number :common, of each peer of which its
-- log says something else between that and :until (sum is NULL: nothing).
SELECT n.peer, coalesce(b.peer_id, n.peer_id), coalesce(b.peer_seq, 0),
  b.peer_sum
FROM {seen} AS n LEFT JOIN {seen} AS b
  ON b.device = n.device AND b.peer = n.peer AND b.seq = (
    SELECT max(s.seq) FROM {seen} AS s
    WHERE s.device = n.device AND s.peer = n.peer AND s.seq <= :common)
WHERE n.device = :self AND n.seq > :common AND n.seq <= :until
  AND n.seq = (
    SELECT max(s.seq) FROM {seen} AS s
    WHERE s.device = n.device AND s.peer = n.peer AND s.seq <= :until)
  AND (b.peer_id, b.peer_seq, b.peer_sum) IS NOT
    (n.peer_id, n.peer_seq, n.peer_sum)
ORDER BY n.peer;

-- name: own_unshared
-- The rows of a device that goes on under another name (:heir, in another store),
-- as far as the folder does not have them: the last row of each key, unless the heir
-- knows a later row, or its own copy of this one.
SELECT o.key, {old.value o}, o.op
FROM {old.cache} AS o
WHERE o.bucket = '' AND o.device = :device
  AND NOT EXISTS(
    SELECT 1 FROM {old.cache} AS p
    WHERE {rows p of o} AND p.device = o.device AND p.ts > o.ts)
  AND NOT EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE {rows n of o}
      AND (n.ts > o.ts
           OR (n.device IN (o.device, :heir) AND n.op = o.op
               AND {value n} IS {old.value o})))
ORDER BY o.seq;
