-- Own rows in the cache, on their way to the own log.

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
-- Peers about which the log's rows from :common to :until say something else
-- than the rows before them, with what those last said. peer_sum is NULL if
-- they said nothing.
SELECT n.peer, CASE WHEN b.peer_id IS NULL THEN n.peer_id ELSE b.peer_id END,
  CASE WHEN b.peer_seq IS NULL THEN 0 ELSE b.peer_seq END, b.peer_sum
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

-- name: own_set_seq
-- Give an own row a new number. It is negative until all rows have theirs, if two of
-- them could collide.
UPDATE {cache} SET seq = :new, txn = :txn
WHERE device = :self AND part IN {parts of bucket} AND key = :key AND ts = :ts
  AND seq = :seq;
