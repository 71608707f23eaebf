-- Bringing own rows and the rows of a twin into one log.

-- name: own_by_time
-- Own rows in the order of time, each with the new number of the last row of its
-- time. Twins may have written the same key at the same time; such rows go to
-- different transactions.
SELECT bucket, key, ts, seq, count(*) OVER (ORDER BY ts, nth) AS last
FROM (
  SELECT {bucket of c} AS bucket, c.key AS key, c.ts AS ts, c.seq AS seq,
    row_number() OVER (
      PARTITION BY {bucket of c}, c.key, c.ts ORDER BY c.seq) AS nth
  FROM {cache} AS c
  WHERE c.device = :self AND c.seq > 0)
ORDER BY ts, nth, seq;

-- name: own_set_seq_end
-- Make these numbers positive.
UPDATE {cache} SET seq = -seq WHERE device = :self AND seq < 0;

-- name: own_shift
-- Add :shift to the numbers of own rows, which is more than a log has rows. Then
-- the log's rows can be merged beside them, although a twin may have written the
-- same keys at the same times.
UPDATE {cache} SET seq = seq + :shift WHERE device = :self;

-- name: seen_last
-- What a device last said that it had merged of a peer's log.
SELECT peer_id, peer_seq, peer_sum FROM {seen}
WHERE device = :device AND peer = :peer ORDER BY seq DESC LIMIT 1;
