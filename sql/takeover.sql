-- Another generation of the own log, or another log, takes the place of own rows.

-- name: own_set_aside
-- Set own rows that wait aside, under negative numbers.
UPDATE {cache} SET seq = -seq WHERE device = :self AND seq > :after;

-- name: own_set_aside_seen
-- Do the same with seen rows.
UPDATE {seen} SET seq = -seq WHERE device = :self AND seq > :after;

-- name: own_lacking
-- Do the same with published rows that the new log does not have, if it cannot have
-- dropped them: they are published again.
UPDATE {cache} AS c SET seq = -c.seq, txn = CASE WHEN c.txn IS NOT NULL THEN c.txn
  ELSE (SELECT CASE WHEN max(a.last_seq) IS NULL THEN c.seq ELSE max(a.last_seq) END
        FROM {arrival} AS a WHERE a.arrived = c.arrived) END
WHERE c.device = :self AND c.seq BETWEEN 1 AND :after AND {kept c} IS NULL
  AND (c.ts > :horizon OR c.seq > :former);

-- name: own_lacking_retired
-- Do the same with rows that retire a device.
UPDATE {seen} SET seq = -seq
WHERE device = :self AND op = 3 AND seq BETWEEN 1 AND :after
  AND kv_kept(:kept, seq, ts, op, peer, peer_id, peer_seq) IS NULL
  AND (ts > :horizon OR seq > :former);

-- name: own_dedupe_retired
-- Remove those of them that say what the new log says, too.
DELETE FROM {seen} AS o
WHERE o.device = :self AND o.op = 3 AND o.seq BETWEEN -:after AND -1
  AND EXISTS(
    SELECT 1 FROM {seen} AS n
    WHERE n.device = o.device AND n.op = 3 AND n.seq > 0 AND n.peer = o.peer
      AND n.peer_id = o.peer_id AND n.peer_seq >= o.peer_seq);

-- name: own_next_retired
-- The first one that has no new number yet.
SELECT peer, seq FROM {seen}
WHERE device = :self AND op = 3 AND seq BETWEEN -:after AND -1
ORDER BY seq DESC LIMIT 1;

-- name: own_again_retired
-- Give it one. It is a transaction of its own.
UPDATE {seen} SET seq = :new, txn = :new
WHERE device = :self AND peer = :peer AND seq = :seq;

-- name: own_again
-- Those of them that the new log really lacks, in their order, each with the number
-- that the last one of its transaction gets.
SELECT {bucket of c}, c.key, c.ts, c.seq, :end + count(*) OVER (ORDER BY c.txn) AS last
FROM {cache} AS c
WHERE c.device = :self AND c.seq < 0 AND c.seq >= -:after
ORDER BY c.seq DESC;

-- name: own_waiting_txn
-- Rows that wait are about to get other numbers: note their transactions. They are
-- set aside.
UPDATE {cache} AS c SET txn =
  (SELECT CASE WHEN max(a.last_seq) IS NULL THEN -c.seq ELSE max(a.last_seq) END
   FROM {arrival} AS a WHERE a.arrived = c.arrived)
WHERE c.device = :self AND c.seq BETWEEN :first AND :last AND c.txn IS NULL;

-- name: own_waiting_seen
-- Remove what their transactions had seen: the next kv_sync() says it again.
DELETE FROM {seen}
WHERE device = :self AND op = 2 AND seq BETWEEN :first AND :last;

-- name: own_show
-- Put the rows that wait behind them.
UPDATE {cache} SET seq = :shift - seq, txn = txn + :shift
WHERE device = :self AND seq < 0;

-- name: own_show_seen
-- Do the same with seen rows.
UPDATE {seen} SET seq = :shift - seq, txn = txn + :shift
WHERE device = :self AND seq < 0;

-- name: own_forget_arrival
-- Another log brings its rows in its own merge.
DELETE FROM {arrival} WHERE device = :self AND last_seq <= :after;

-- name: own_match
-- Does the cache have this row of a log, under a number from :first to :last?
SELECT 1 FROM {cache} AS c
WHERE part IN {parts of bucket} AND key = :key AND ts = :ts
  AND device = :self AND seq BETWEEN :first AND :last AND op = :op
  AND {value c} IS :value;

-- name: own_match_retire
-- The same for a row that retires a device: its number is enough.
SELECT 1 FROM {seen} WHERE device = :self AND seq = :seq AND op = 3;

-- name: own_dedupe
-- Remove own rows that the log has, too: of those with numbers above :shift, and of
-- those that were set aside, up to number :after.
DELETE FROM {cache} AS o
WHERE o.device = :self AND (o.seq > :shift OR o.seq BETWEEN -:after AND -1)
  AND EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE {any rows n of o}
      AND n.ts = o.ts AND n.device = o.device AND n.seq BETWEEN 1 AND :shift
      AND n.op = o.op AND {value n} IS {value o}
      AND typeof({value n}) = typeof({value o}));
