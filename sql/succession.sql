-- Going on with a log of this device that was begun elsewhere.

-- name: own_hide_cache
-- Set own rows aside under negative numbers, so that a new log can be merged
-- beside them.
UPDATE {cache} SET seq = -seq WHERE device = :self;

-- name: own_hide_seen
-- Do the same with seen rows.
UPDATE {seen} SET seq = -seq WHERE device = :self;

-- name: own_hidden
-- Compares the own rows that were set aside with the new log: the number of the
-- last one that the log has, and how many it lacks although they were published
-- (up to :after) or are before that last one.
WITH hidden(seq, is_there) AS (
  SELECT -o.seq, EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE {rows n of o} AND n.ts = o.ts
      AND n.device = o.device AND n.seq > 0 AND n.op = o.op
      AND {value n} IS {value o})
  FROM {cache} AS o WHERE o.device = :self AND o.seq < 0),
last(seq) AS (SELECT CASE WHEN max(seq) IS NULL THEN 0 ELSE max(seq) END
  FROM hidden WHERE is_there)
SELECT last.seq,
  (SELECT count(*) FROM hidden
   WHERE NOT is_there AND (hidden.seq <= :after OR hidden.seq <= last.seq))
FROM last;

-- name: own_drop_hidden
-- Remove own rows that were set aside, up to number :after.
DELETE FROM {cache} WHERE device = :self AND seq < 0 AND seq >= -:after;

-- name: own_drop_hidden_seen
-- Do the same with seen rows.
DELETE FROM {seen} WHERE device = :self AND seq < 0 AND seq >= -:after;

-- name: own_drop_arrival
-- Remove their arrivals: the merge of the new log brought these rows again.
DELETE FROM {arrival}
WHERE device = :self AND last_seq <= :after AND arrived < :arrived;

-- name: own_show_cache
-- Put the remaining own rows that were set aside behind those of the new log.
UPDATE {cache} SET seq = :shift - seq, txn = txn + :shift
WHERE device = :self AND seq < 0;

-- name: own_show_seen
-- Do the same with seen rows.
UPDATE {seen} SET seq = :shift - seq, txn = txn + :shift
WHERE device = :self AND seq < 0;

-- name: own_show_arrival
-- Do the same with their arrivals.
UPDATE {arrival} SET first_seq = first_seq + :shift,
  last_seq = last_seq + :shift
WHERE device = :self AND arrived < :arrived;
