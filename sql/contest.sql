-- Contested keys: see ext/contest/contest.h.

-- name: contest_seen
-- How far a device had merged a peer's log when it wrote a row.
SELECT CASE WHEN substr(s.peer_id, 1, 8) = substr(d.id, 1, 8)
  THEN s.peer_seq END
FROM {seen} AS s CROSS JOIN {cursor} AS d
WHERE s.device = :device AND s.peer = :peer AND s.seq <= :seq
  AND d.device = s.peer
ORDER BY s.seq DESC LIMIT 1;

-- name: contest_rows
-- The newest rows of a key that gets another row, the latest first: the 32 that are
-- compared, and one more, which tells that there are others.
SELECT device, seq, op, ts FROM {cache}
WHERE part = {first part} AND key = :key
ORDER BY ts DESC, device DESC, seq DESC LIMIT 33;

-- name: contest_apart
-- When :device wrote the row :first, did another log have changes that it had not
-- merged? Numbers of a log that belong to seen rows are no changes; all others
-- may be.
SELECT 1 FROM (
  SELECT d.device AS device, d.seq AS seq, CASE WHEN EXISTS(
    SELECT 1 FROM {seen} AS s
    WHERE s.device = :device AND s.peer = d.device AND s.seq <= :first)
    THEN (
      SELECT CASE WHEN substr(s.peer_id, 1, 8) = substr(d.id, 1, 8)
        THEN s.peer_seq ELSE 0 END
      FROM {seen} AS s
      WHERE s.device = :device AND s.peer = d.device AND s.seq <= :first
      ORDER BY s.seq DESC LIMIT 1) ELSE 0 END AS merged
  FROM {cursor} AS d
  WHERE d.device <> :device) AS p
WHERE p.seq - p.merged > (
  SELECT count(*) FROM {seen} AS a
  WHERE a.device = p.device AND a.seq > p.merged AND a.seq <= p.seq)
LIMIT 1;

-- name: contest_put
-- Note a contested key.
INSERT OR IGNORE INTO {contested}(bucket, key) VALUES(:bucket, :key);

-- name: contest_all
-- All rows of kv, the latest of a key first.
SELECT '', key, device, seq, op, ts FROM {cache} WHERE part = 0
UNION ALL
SELECT '', key, device, seq, op, ts FROM {cache} WHERE part = 1
ORDER BY 2, 6 DESC, 3 DESC, 4 DESC;

-- name: contest_all_typed
-- The same of typed tables.
SELECT part, key, device, seq, op, ts FROM {cache} WHERE part > ''
ORDER BY part, key, ts DESC, device DESC, seq DESC;

-- name: contest_again
-- All rows of contested keys, the latest of a key first.
SELECT t.bucket, t.key, c.device, c.seq, c.op, c.ts
FROM {contested} AS t CROSS JOIN {cache} AS c
WHERE c.part IN (CASE t.bucket WHEN '' THEN 0 ELSE t.bucket END,
    CASE t.bucket WHEN '' THEN 1 ELSE t.bucket END) AND c.key = t.key
ORDER BY t.bucket, t.key, c.ts DESC, c.device DESC, c.seq DESC;

-- name: contest_settled
-- A key is not contested any more.
DELETE FROM {contested} WHERE bucket = :bucket AND key = :key;

-- name: contest_clear
-- No key is contested.
DELETE FROM {contested};

-- name: contest_note
-- Note how far the search for contested keys is.
UPDATE {meta} SET judged = :judged;

-- name: contest_judged
-- Note that all rows were searched: how many there are, and how many contested keys.
UPDATE {meta} SET judged = 2, judged_rows = :rows,
  n_contested = (SELECT count(*) FROM {contested});
