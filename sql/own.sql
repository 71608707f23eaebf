-- Own rows in the cache, on their way to the own log.

-- name: busy_timeout
-- How many milliseconds the host waits for a lock.
PRAGMA busy_timeout;

-- name: own_rows
-- Own rows as they are in the log, in their order.
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
-- A value that the running transaction wrote. All rows of the transaction have one
-- time, so the key finds it; and they are in front, because no sweep runs before
-- the transaction ends.
SELECT value, large FROM {cache}
WHERE is_old = 0 AND key = :key AND ts = :ts AND device = :self
ORDER BY seq DESC LIMIT 1;

-- name: own_waiting
-- The number of own rows that are not published yet.
SELECT count(*) FROM {cache}
WHERE device = :self AND seq > :after AND seq <= :until;

-- name: own_renumber_cache
-- Another process published first: move own rows that wait behind its rows.
UPDATE {cache} SET seq = seq + :shift, txn = txn + :shift
WHERE device = :self AND seq > :after;

-- name: own_renumber_arrival
-- Do the same with the commits that brought them.
UPDATE {arrival} SET first_seq = first_seq + :shift,
  last_seq = last_seq + :shift
WHERE device = :self AND first_seq > :after;

-- name: own_renumber_seen
-- Do the same with seen rows. Their numbers are negative until all are moved, so
-- that no two rows collide.
UPDATE {seen} SET seq = -(seq + :shift), txn = txn + :shift
WHERE device = :self AND seq > :after;

-- name: own_renumber_seen_end
-- Make these numbers positive.
UPDATE {seen} SET seq = -seq WHERE device = :self AND seq < 0;

-- name: seen_restore
-- Peers of which the log's rows from :common to :until say something else than its
-- rows before, with what was last said before. peer_sum is NULL if nothing was
-- said before.
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
-- Rows that a device wrote but could not share, for the store that goes on under
-- another name (:heir): the last row of each key, unless the folder has a later
-- one, or the heir has written the same.
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
