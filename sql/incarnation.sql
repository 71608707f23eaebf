-- Whose log it is: own rows beside those that a twin wrote.

-- name: own_by_time
-- Own rows in the order of time, and the number of the last one of each time.
-- Of rows of one key and time, which twins wrote, each is in another
-- transaction.
SELECT bucket, key, ts, seq, count(*) OVER (ORDER BY ts, nth) AS last
FROM (
  SELECT bucket, key, ts, seq,
    row_number() OVER (PARTITION BY bucket, key, ts ORDER BY seq) AS nth
  FROM {cache}
  WHERE device = :self AND seq > 0)
ORDER BY ts, nth, seq;

-- name: own_set_seq
-- Give an own row a new number; negative for a moment, so that none meets
-- another.
UPDATE {cache} SET seq = -:new, txn = :txn
WHERE is_old IN (0, 1) AND device = :self AND bucket = :bucket AND key = :key AND ts = :ts
  AND seq = :seq;

-- name: own_set_seq_end
-- And back to positive.
UPDATE {cache} SET seq = -seq WHERE device = :self AND seq < 0;

-- name: own_shift
-- Number own rows behind all that a log has, so that they stand beside rows of
-- the same key and time that a twin wrote.
UPDATE {cache} SET seq = seq + :shift WHERE device = :self;

-- name: own_dedupe
-- Of own rows that were numbered so, forget those that the log has, too.
DELETE FROM {cache} AS o
WHERE o.device = :self AND o.seq > :shift
  AND EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE {rows n of o}
      AND n.ts = o.ts AND n.device = o.device AND n.seq <= :shift
      AND n.op = o.op AND {value n} IS {value o}
      AND typeof({value n}) = typeof({value o}));

-- name: seen_last
-- What a device says that it merged last of a peer's log.
SELECT peer_id, peer_seq, peer_sum FROM {seen}
WHERE device = :device AND peer = :peer ORDER BY seq DESC LIMIT 1;
