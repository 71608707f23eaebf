-- Bringing own rows and the rows of a twin into one log.

-- name: own_by_time
-- Own rows in the order of time, each with the new number of the last row of its
-- time. Twins may have written the same key at the same time; such rows go to
-- different transactions.
SELECT bucket, key, ts, seq, count(*) OVER (ORDER BY ts, nth) AS last
FROM (
  SELECT bucket, key, ts, seq,
    row_number() OVER (PARTITION BY bucket, key, ts ORDER BY seq) AS nth
  FROM {cache}
  WHERE device = :self AND seq > 0)
ORDER BY ts, nth, seq;

-- name: own_set_seq
-- Give an own row a new number. It is negative until all rows have theirs, so that
-- no two rows collide.
UPDATE {cache} SET seq = -:new, txn = :txn
WHERE is_old IN (0, 1) AND device = :self AND bucket = :bucket AND key = :key AND ts = :ts
  AND seq = :seq;

-- name: own_set_seq_end
-- Make these numbers positive.
UPDATE {cache} SET seq = -seq WHERE device = :self AND seq < 0;

-- name: own_shift
-- Add :shift to the numbers of own rows, which is more than a log has rows. Then
-- the log's rows can be merged beside them, although a twin may have written the
-- same keys at the same times.
UPDATE {cache} SET seq = seq + :shift WHERE device = :self;

-- name: own_dedupe
-- Remove own rows with such numbers that the log has, too.
DELETE FROM {cache} AS o
WHERE o.device = :self AND o.seq > :shift
  AND EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE {rows n of o}
      AND n.ts = o.ts AND n.device = o.device AND n.seq <= :shift
      AND n.op = o.op AND {value n} IS {value o}
      AND typeof({value n}) = typeof({value o}));

-- name: seen_last
-- What a device last said that it had merged of a peer's log.
SELECT peer_id, peer_seq, peer_sum FROM {seen}
WHERE device = :device AND peer = :peer ORDER BY seq DESC LIMIT 1;
