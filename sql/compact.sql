-- Which rows of the own log nobody needs any more. The rules, and why, are in
-- tests/lifecycle/RULES.md, 6.

-- hole: who knows what
-- Named tables of what the devices know, for the rules below.
-- live: devices for whom a compaction waits: they have a log, and are not retired
-- (an op 3 row names all of their log that is merged here).
-- ack: up to which row of a peer's log a live device says that it has merged it, and
-- the latest time that it had written since.
-- stable: up to which row the rows of a log are known to all live devices but that
-- log's own, and before which time none of them can write any more; NULL: none are.
-- complete: nobody can have, or get, a row below a deletion of which nothing is known
-- here: every live device says that it has of every other log the generation that is
-- merged here, or a later one; and all that anybody says to have merged, is.
retired(device) AS (
  SELECT c.device FROM {seen} AS r CROSS JOIN {cursor} AS c
  WHERE r.op = 3 AND c.device = r.peer AND r.peer_seq >= c.seq
    AND substr(r.peer_id, 1, 8) = substr(c.id, 1, 8)),
live(device, newest) AS (
  SELECT device, newest FROM {cursor}
  WHERE device <> :self AND id IS NOT NULL
    AND device NOT IN (SELECT device FROM retired)),
said(device, peer, id, seq, ts, at) AS (
  SELECT device, peer, peer_id, peer_seq,
    max(ts) OVER (PARTITION BY device ORDER BY seq DESC), seq
  FROM {seen} WHERE op = 2 AND device IN (SELECT device FROM live)),
ack(device, peer, id, seq, ts, at) AS (
  SELECT device, peer, id, seq, ts, max(at) FROM said GROUP BY device, peer),
stable(device, seq, ts) AS (
  SELECT e.device,
    CASE count(x.device) WHEN 0 THEN 0x7fffffffffffffff
      WHEN count(a.seq) THEN min(a.seq) END,
    CASE count(x.device) WHEN 0 THEN 0x7fffffffffffffff
      WHEN count(a.seq) THEN min(a.ts) END
  FROM {cursor} AS e LEFT JOIN live AS x ON x.device <> e.device
  LEFT JOIN ack AS a ON a.device = x.device AND a.peer = e.device
    AND substr(a.id, 1, 8) = substr(e.id, 1, 8)
  WHERE e.id IS NOT NULL GROUP BY e.device),
behind(device) AS (
  SELECT x.device FROM live AS x CROSS JOIN {cursor} AS e
  LEFT JOIN ack AS a ON a.device = x.device AND a.peer = e.device
  WHERE e.device <> x.device AND e.device <> :self AND e.id IS NOT NULL
    AND CASE WHEN a.id IS NULL THEN e.seq > 0
      ELSE a.id < e.id OR substr(a.id, 1, 8) <> substr(e.id, 1, 8) END),
ahead(device) AS (
  SELECT n.peer FROM (
    SELECT peer, id, seq FROM ack
    UNION ALL SELECT peer, peer_id, peer_seq FROM {seen} WHERE op = 3) AS n
  LEFT JOIN {cursor} AS c ON c.device = n.peer
  WHERE n.peer <> :self AND CASE WHEN c.id IS NULL THEN 1
    ELSE substr(n.id, 1, 8) = substr(c.id, 1, 8)
      AND (n.id > c.id OR n.seq > c.seq) END)

-- hole: superseded {r}
-- An own row r goes if there is a later row of its key, not later than :before,
-- in the own log, or in another one of which all know it.
EXISTS(
    SELECT 1 FROM {cache} AS s CROSS JOIN stable AS t
    WHERE {rows s of r} AND s.ts <= :before
      AND (s.ts, s.device, s.seq) > ({r}.ts, {r}.device, {r}.seq)
      AND t.device = s.device
      AND (s.device = :self OR s.seq <= t.seq))

-- hole: buried {r}
-- An own deletion r goes if it is the latest row of its key, no other device has a
-- row of it, all know it, and nobody can have, or get, an earlier row.
({r}.op = 0 AND {r}.ts <= :before
    AND NOT EXISTS(SELECT 1 FROM behind) AND NOT EXISTS(SELECT 1 FROM ahead)
    AND EXISTS(
      SELECT 1 FROM stable AS t
      WHERE t.device = :self AND {r}.seq <= t.seq AND {r}.ts < t.ts)
    AND NOT EXISTS(
      SELECT 1 FROM {cache} AS o
      WHERE {rows o of r}
        AND (o.device <> :self OR (o.ts, o.seq) > ({r}.ts, {r}.seq))))

-- hole: own acknowledgements
-- Own seen rows, is_last: none about the same peer follows that is not later than
-- :before. Rows of other buckets (n counts them) stand for themselves: what they had
-- seen is kept.
(SELECT seq, txn, ts, op, peer, peer_id, peer_seq, peer_sum,
    op = 3 OR seq >= max(CASE WHEN ts <= :before THEN seq ELSE 0 END)
      OVER (PARTITION BY op, peer, n) AS is_last
  FROM (
    SELECT seq, txn, ts, op, peer, peer_id, peer_seq, peer_sum,
      sum(op < 2) OVER (ORDER BY seq) AS n
    FROM (
      SELECT seq, txn, ts, op, peer, peer_id, peer_seq, peer_sum
      FROM {seen} WHERE device = :self
      UNION ALL
      SELECT seq, 0, ts, 0, '', NULL, NULL, NULL FROM {cache}
      WHERE device = :self AND part > ''))
  WHERE op >= 2)

-- name: compaction_size
-- How many changes of kv in the own log go, and how many rows of it stay; and how much
-- the log is, and what goes of it, where a large value counts as a hundred rows. A
-- row later than :before stays: whatever supersedes it is later still. Last, the latest
-- own row up to :before, and of others no earlier time: no row that makes another one
-- go is later than both.
WITH {who knows what}
SELECT sum(is_kv AND goes), sum(NOT goes), sum(weight),
  sum(CASE WHEN goes THEN weight ELSE 0 END),
  max(CASE WHEN ts <= :before THEN ts END),
  (SELECT max(min(newest, :before)) FROM {cursor} WHERE device <> :self)
FROM (
  SELECT r.part IN (0, 1) AS is_kv,
    CASE WHEN r.part > '' THEN 0 WHEN r.ts > :before THEN 0
      WHEN {superseded r} THEN 1 WHEN {buried r} THEN 1 ELSE 0 END AS goes,
    CASE WHEN r.large IS NULL THEN 1 ELSE 100 END AS weight, r.ts AS ts
  FROM {cache} AS r WHERE r.device = :self
  UNION ALL
  SELECT 0, NOT is_last, 1, ts FROM {own acknowledgements} AS a);

-- name: compaction_rows
-- The own rows in their order, each with the last row of its transaction that stays, or
-- with NULL if it goes itself.
WITH {who knows what}
SELECT seq, txn, ts, parent_ts, op, bucket, key, value, large,
  CASE WHEN NOT goes THEN
    max(CASE WHEN NOT goes THEN seq END) OVER (PARTITION BY txn) END
FROM (
  SELECT r.seq AS seq, {transaction of r by a} AS txn, r.ts AS ts,
    r.parent_ts AS parent_ts, r.op AS op, {bucket of r} AS bucket, r.key AS key,
    r.value AS value, r.large AS large,
    r.part IN (0, 1) AND ({superseded r} OR {buried r}) AS goes
  FROM {cache} AS r LEFT JOIN {arrival} AS a ON a.arrived = r.arrived
  WHERE r.device = :self
  UNION ALL
  SELECT seq, txn, ts, peer_sum, op, peer, peer_id, peer_seq, NULL, NOT is_last
  FROM {own acknowledgements} AS s)
ORDER BY txn, seq;

-- name: expire_known
-- When history to give up was last looked for, and the latest change of the others, and
-- of all.
SELECT max(expiry), (SELECT max(newest) FROM {cursor} WHERE device <> :self),
  (SELECT max(newest) FROM {cursor})
FROM {meta};

-- name: declare_compaction
-- The columns of kv_compaction.
CREATE TABLE kv_compaction(
  goes INTEGER,
  reason TEXT,
  n_rows INTEGER,
  bytes INTEGER,
  waits_for TEXT,
  detail TEXT,
  before HIDDEN,
  store HIDDEN,
  PRIMARY KEY(reason, waits_for)
) WITHOUT ROWID;

-- hole: slow to know {s}
-- A live device that does not say that it knows row s; of several, the one that has
-- been silent longest.
(SELECT x.device FROM live AS x LEFT JOIN ack AS a
     ON a.device = x.device AND a.peer = {s}.device AND a.seq >= {s}.seq
     AND substr(a.id, 1, 8) = (
       SELECT substr(e.id, 1, 8) FROM {cursor} AS e WHERE e.device = {s}.device)
   WHERE x.device <> {s}.device AND a.device IS NULL
   ORDER BY x.newest LIMIT 1)

-- name: compaction
-- What a compaction would do with the rows of the own log, and why, and for which
-- device it waits with those that stay.
WITH {who knows what},
row(reason, waits_for, bytes) AS (
  SELECT
    CASE WHEN r.part > '' THEN 'typed'
      WHEN {superseded r} THEN 'superseded'
      WHEN {buried r} THEN 'deleted'
      WHEN r.ts > :before THEN 'recent'
      WHEN EXISTS(
        SELECT 1 FROM {cache} AS s
        WHERE {rows s of r} AND s.ts <= :before
          AND (s.ts, s.device, s.seq) > (r.ts, r.device, r.seq))
        THEN 'superseded elsewhere'
      WHEN EXISTS(
        SELECT 1 FROM {cache} AS s
        WHERE {rows s of r}
          AND (s.ts, s.device, s.seq) > (r.ts, r.device, r.seq))
        THEN 'history'
      WHEN r.op = 1 THEN 'value'
      WHEN EXISTS(
        SELECT 1 FROM {cache} AS o WHERE {rows o of r} AND o.device <> :self)
        THEN 'deletes elsewhere'
      ELSE 'deletes' END,
    CASE WHEN r.part > '' OR r.ts > :before
        OR {superseded r} OR {buried r} THEN NULL
      WHEN EXISTS(
        SELECT 1 FROM {cache} AS s
        WHERE {rows s of r}
          AND (s.ts, s.device, s.seq) > (r.ts, r.device, r.seq)) THEN (
        SELECT {slow to know s} FROM {cache} AS s
        WHERE {rows s of r} AND s.ts <= :before
          AND (s.ts, s.device, s.seq) > (r.ts, r.device, r.seq)
        ORDER BY s.ts, s.device, s.seq LIMIT 1)
      WHEN r.op = 1 THEN NULL
      ELSE (
        SELECT device FROM (
          SELECT 1 AS n, o.device AS device FROM {cache} AS o
          WHERE {rows o of r} AND o.device <> :self
          UNION ALL SELECT 2, {slow to know r}
          UNION ALL SELECT 3, device FROM ack WHERE peer = :self AND ts <= r.ts
          UNION ALL SELECT 4, device FROM behind
          UNION ALL SELECT 5, device FROM ahead)
        WHERE device IS NOT NULL ORDER BY n LIMIT 1) END,
    60 + length(CAST(r.key AS BLOB)) + CASE WHEN r.value IS NOT NULL
      THEN length(CAST(r.value AS BLOB)) WHEN r.large IS NOT NULL THEN (
        SELECT length(CAST(v.value AS BLOB)) FROM {large} AS v WHERE v.id = r.large)
      ELSE 0 END
  FROM {cache} AS r WHERE r.device = :self
  UNION ALL
  SELECT CASE WHEN is_last THEN 'acknowledges' ELSE 'acknowledged again' END,
    NULL, 60
  FROM {own acknowledgements} AS s)
SELECT reason IN ('superseded', 'deleted', 'acknowledged again'), reason,
  count(*), sum(bytes), waits_for,
  CASE reason WHEN 'superseded' THEN 'a later row of the key is known to all'
    WHEN 'deleted' THEN 'all know that the key is deleted'
    WHEN 'acknowledged again' THEN 'a later acknowledgement says more'
    WHEN 'acknowledges' THEN 'how far the other logs are merged'
    WHEN 'typed' THEN 'rows of typed tables stay'
    WHEN 'recent' THEN 'written since then'
    WHEN 'history' THEN 'the value at that time'
    WHEN 'value' THEN 'the value of the key'
    ELSE CASE WHEN reason = 'deletes elsewhere' AND waits_for IS NOT NULL
        THEN waits_for || ' still has an earlier value: it goes with its next '
          || 'kv_compact()'
      WHEN waits_for IS NOT NULL THEN 'waits for ' || waits_for || (
        SELECT CASE WHEN l.newest < :now - 172800000000
          THEN ', silent for ' || ((:now - l.newest) / 86400000000)
            || ' days: SELECT kv_retire(''' || l.device || ''')' ELSE '' END
        FROM live AS l WHERE l.device = waits_for)
      ELSE 'waits' END END
FROM row GROUP BY reason, waits_for ORDER BY 1 DESC, 3 DESC;
