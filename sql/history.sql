-- The tables kv_diff, kv_conflicts and kv_changes.

-- name: declare_diff
-- The columns of kv_diff.
CREATE TABLE kv_diff(
  bucket TEXT,
  key,
  change TEXT,
  old_value,
  new_value,
  start HIDDEN,
  stop HIDDEN,
  store HIDDEN,
  PRIMARY KEY(bucket, key)
) WITHOUT ROWID;

-- name: diff
-- The keys whose value at the end of a stretch of time differs from that at its
-- start. Only keys with rows in the stretch are compared: n is the latest row of a
-- key at the end, o at the start.
SELECT '', k.key,
  CASE WHEN o.op IS NOT 1 THEN 'added'
       WHEN n.op = 0 THEN 'removed'
       ELSE 'changed' END,
  {value o}, {value n}
FROM (
  SELECT DISTINCT key FROM {cache}
  WHERE ts > :start AND ts <= :stop AND +part IN (0, 1)
    AND (device IS NOT :self OR seq <= :until)) AS k
CROSS JOIN {cache} AS n
  ON {rows n of k}
  AND (n.ts, n.device, n.seq) = (
    SELECT ts, device, seq FROM {cache} AS i
    WHERE {rows i of k} AND i.ts <= :stop
      AND {visible i}
    ORDER BY i.ts DESC, i.device DESC, i.seq DESC LIMIT 1)
LEFT JOIN {cache} AS o
  ON {rows o of k}
  AND (o.ts, o.device, o.seq) = (
    SELECT ts, device, seq FROM {cache} AS i
    WHERE {rows i of k} AND i.ts <= :start
    ORDER BY i.ts DESC, i.device DESC, i.seq DESC LIMIT 1)
WHERE (o.op IS 1) <> (n.op IS 1)
  OR (n.op = 1
      AND ({value n} IS NOT {value o}
        OR typeof({value n}) <> typeof({value o})))
ORDER BY k.key;

-- name: declare_conflicts
-- The columns of kv_conflicts. `cell` is column_name without NULL: a column of the
-- primary key would not be NULL.
CREATE TABLE kv_conflicts(
  bucket TEXT,
  key,
  value,
  device TEXT,
  ts INTEGER,
  time TEXT,
  lost_value,
  lost_device TEXT,
  lost_ts INTEGER,
  lost_time TEXT,
  op TEXT,
  column_name TEXT,
  store HIDDEN,
  cell HIDDEN,
  PRIMARY KEY(bucket, key, lost_device, lost_ts, cell)
) WITHOUT ROWID;

-- hole: conflicts of {k}
-- Values that lost against a row whose writer had not seen them: l lost, w won. A
-- later row r of the key settles the conflict if its writer had seen l. It had if
-- r is of the same device as l; if r says that it replaced l (parent_ts); or if
-- the writer had merged l's log that far, which a seen row before r tells, or for
-- the running transaction the order of arrival. Only the keys of k are looked at.
-- What settled a conflict before the horizon may be gone.
SELECT '', w.key, {value w}, w.device, w.ts, {value l}, l.device, l.ts, w.op,
  NULL, ''
FROM {k}
CROSS JOIN {cache} AS l
CROSS JOIN {cursor} AS d
CROSS JOIN {cache} AS w
WHERE l.part IN (0, 1) AND l.key = {k}.key
  AND l.op = 1 AND d.device = l.device
  AND {visible l}
  AND NOT EXISTS(
    SELECT 1 FROM {cache} AS r
    WHERE {rows r of l}
      AND (r.ts, r.device, r.seq) > (l.ts, l.device, l.seq)
      AND {visible r}
      AND (r.device = l.device
        OR l.seq <= (
          SELECT CASE WHEN substr(s.peer_id, 1, 8) = substr(d.id, 1, 8)
            THEN s.peer_seq END
          FROM {seen} AS s
          WHERE s.device = r.device AND s.peer = l.device AND s.seq <= r.seq
          ORDER BY s.seq DESC LIMIT 1)
        OR (r.device IS :self AND r.seq >= :first
          AND l.arrived < r.arrived)
        OR (r.parent_ts = l.ts AND NOT EXISTS(
          SELECT 1 FROM {cache} AS x
          WHERE {rows x of l} AND x.ts = l.ts
            AND x.device <> l.device))))
  AND {rows w of l}
  AND (w.ts, w.device, w.seq) = (
    SELECT i.ts, i.device, i.seq FROM {cache} AS i
    WHERE {rows i of l}
      AND {visible i}
    ORDER BY i.ts DESC, i.device DESC, i.seq DESC LIMIT 1)
  AND w.device <> l.device AND w.ts > :horizon
  AND (w.op = 0 OR {value w} IS NOT {value l}
    OR typeof({value w}) <> typeof({value l}))
ORDER BY l.key, l.ts DESC, l.device DESC, l.seq DESC

-- name: conflicts_key
-- The conflicts of one key.
WITH k(key) AS (SELECT :key)
{conflicts of k};

-- name: conflicts
-- All conflicts, while it is known which keys are contested.
WITH k(key) AS (SELECT key FROM {contested} WHERE bucket = '')
{conflicts of k};

-- name: conflicts_all
-- All conflicts, by a walk over all rows.
WITH k(key) AS (
  SELECT key FROM {cache} WHERE part = 1
  UNION
  SELECT key FROM {cache} WHERE part = 0
  GROUP BY key HAVING min(device) <> max(device))
{conflicts of k};

-- name: declare_changes
-- The columns of kv_changes.
CREATE TABLE kv_changes(
  cursor INTEGER,
  bucket TEXT,
  key,
  value,
  op TEXT,
  ts INTEGER,
  time TEXT,
  device TEXT,
  is_reset INTEGER,
  after HIDDEN,
  store HIDDEN,
  PRIMARY KEY(bucket, key)
) WITHOUT ROWID;

-- name: changes
-- The keys whose latest row came with a commit or merge after number :after. The
-- index by time finds rows of the arrival's times; device and number then tell
-- whether a row is of this arrival.
SELECT :base + a.arrived, '', c.key, {value w}, w.op, c.ts, c.device, 0
FROM {arrival} AS a
CROSS JOIN {cache} AS c
CROSS JOIN {cache} AS w
WHERE a.arrived > :after AND a.arrived <= :end
  AND c.ts BETWEEN a.first_ts AND a.last_ts AND +c.device = a.device
  AND +c.seq BETWEEN a.first_seq AND a.last_seq AND +c.part IN (0, 1)
  AND {latest c}
  AND w.part = c.part AND w.key = c.key AND w.ts = c.ts
  AND w.device = c.device AND w.seq = c.seq
ORDER BY a.arrived;

-- name: changes_unindexed
-- The same while there is no index by time, by reading all rows. A merge has up to
-- 128 (KV_SPANS) arrivals, and its rows have the number of the first.
SELECT :base + a.arrived, '', c.key, {value c}, c.op, c.ts, c.device, 0
FROM {cache} AS c
CROSS JOIN {arrival} AS a
WHERE c.arrived > :after - 128 AND +c.part IN (0, 1)
  AND a.arrived > :after AND a.arrived <= :end
  AND a.arrived BETWEEN c.arrived AND c.arrived + 127 AND a.device = c.device
  AND c.seq BETWEEN a.first_seq AND a.last_seq
  AND {latest c}
ORDER BY a.arrived;

-- name: changes_all
-- The latest row of every key, for a reader that has to start over.
SELECT :base + :end, '', c.key, {value c}, c.op, c.ts, c.device, 1
FROM {cache} AS c
WHERE :after IS NOT NULL AND +c.part IN (0, 1) AND {visible c}
  AND {latest c};

-- hole: log rows of {k}
-- The log rows of keys of typed tables, those of a key together, for history/keys.
-- Buckets that begin with # are no tables.
SELECT c.part, c.key, c.op, c.ts, c.device, c.seq, {value c}, {k}.number
FROM {k} CROSS JOIN {cache} AS c
WHERE c.part = {k}.part AND c.key = {k}.key
  AND +{k}.part > '' AND NOT (+{k}.part >= '#' AND +{k}.part < '$')
  AND {visible c}

-- name: diff_keys
-- The keys of typed tables with rows in a stretch of time, found by the index by
-- time. The first part is empty if there are no typed tables.
WITH k(part, key, number) AS (
  SELECT DISTINCT r.part, r.key, 0
  FROM (SELECT 1 FROM {cache} WHERE part > '' LIMIT 1) AS e
  CROSS JOIN {cache} AS r
  WHERE +r.part > '' AND r.ts > :start AND r.ts <= :stop)
{log rows of k} AND c.ts <= :stop
ORDER BY c.part, c.key;

-- name: diff_keys_unindexed
-- The same while there is no such index.
WITH k(part, key, number) AS (
  SELECT DISTINCT part, key, 0 FROM {cache}
  WHERE part > '' AND +ts > :start AND +ts <= :stop)
{log rows of k} AND c.ts <= :stop
ORDER BY c.part, c.key;

-- name: conflicts_keys
-- The keys of typed tables that several devices wrote.
WITH k(part, key, number) AS (
  SELECT part, key, 0 FROM {cache} WHERE part > ''
  GROUP BY part, key HAVING min(device) <> max(device))
{log rows of k};

-- name: conflicts_keys_bucket
-- The same of one table.
WITH k(part, key, number) AS (
  SELECT part, key, 0 FROM {cache} WHERE part = :bucket
  GROUP BY part, key HAVING min(device) <> max(device))
{log rows of k};

-- name: conflicts_keys_key
-- One key, in every bucket.
WITH k(part, key, number) AS (SELECT e.part, :key, 0 FROM {every part} AS e)
{log rows of k};

-- name: changes_keys
-- The keys of typed tables with rows that came after number :after, and when the
-- last one came. The index by time finds them as in `changes`.
WITH k(part, key, number) AS (
  SELECT r.part, r.key, :base + max(a.arrived)
  FROM (SELECT 1 FROM {cache} WHERE part > '' LIMIT 1) AS e
  CROSS JOIN {arrival} AS a
  CROSS JOIN {cache} AS r
  WHERE a.arrived > :after AND a.arrived <= :end
    AND +r.part > ''
    AND r.ts BETWEEN a.first_ts AND a.last_ts AND +r.device = a.device
    AND +r.seq BETWEEN a.first_seq AND a.last_seq
  GROUP BY r.part, r.key)
{log rows of k};

-- name: changes_keys_unindexed
-- The same while there is no index by time.
WITH k(part, key, number) AS (
  SELECT r.part, r.key, :base + max(a.arrived)
  FROM {cache} AS r
  CROSS JOIN {arrival} AS a
  WHERE r.part > '' AND r.arrived > :after - 128
    AND a.arrived > :after AND a.arrived <= :end
    AND a.arrived BETWEEN r.arrived AND r.arrived + 127 AND a.device = r.device
    AND r.seq BETWEEN a.first_seq AND a.last_seq
  GROUP BY r.part, r.key)
{log rows of k};

-- name: changes_keys_all
-- All keys of typed tables, for a reader that has to start over.
SELECT c.part, c.key, c.op, c.ts, c.device, c.seq, {value c}, :base + :end
FROM {cache} AS c
WHERE :after IS NOT NULL AND c.part > ''
  AND NOT (c.part >= '#' AND c.part < '$') AND {visible c}
ORDER BY c.part, c.key;
