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
