-- The newest changes of the store kv, in words: who, when, what.
--
--     .parameter set :limit 30      how many transactions (15)
--     .parameter set :now "'2026-11-03 09:30'"   pretend that it is this time (UTC)
--
-- Needs SQLite 3.40. Times are in local time. Afterwards the shell has .mode list
-- and .headers off. It is fast however long the history is.
.mode list
.headers off

WITH RECURSIVE
  input(now, n) AS (
    SELECT coalesce(
      CASE typeof(:now) WHEN 'integer' THEN :now / 1000000 END,
      CAST(strftime('%s', :now) AS INTEGER),
      CAST(strftime('%s', 'now') AS INTEGER)),
      max(1, coalesce(CAST(:limit AS INTEGER), 15))),
  -- The latest times at which anything happened.
  moment(ts, n) AS (
    SELECT (SELECT ts FROM kv_log ORDER BY ts DESC LIMIT 1), 1
    UNION ALL
    SELECT (
      SELECT l.ts FROM kv_log AS l
      WHERE l.ts < moment.ts ORDER BY l.ts DESC LIMIT 1), moment.n + 1
    FROM moment, input WHERE moment.n < input.n AND moment.ts IS NOT NULL),
  txn(ts, device, n_changes, first) AS (
    SELECT l.ts, l.device, count(*), min(l.seq)
    FROM moment CROSS JOIN kv_log AS l ON l.ts = moment.ts
    GROUP BY l.ts, l.device),
  -- The first few changes of each, and the values before them.
  change(id, ts, device, op, key, value, old_op, old) AS (
    SELECT row_number() OVER (ORDER BY l.ts DESC, l.device, l.seq),
      l.ts, l.device, l.op, l.key, l.value, p.op, p.value
    FROM txn CROSS JOIN kv_log AS l ON l.ts = txn.ts
    LEFT JOIN kv_log AS p
      ON p.bucket = l.bucket AND p.key = l.key AND p.ts = l.parent_ts
    WHERE l.device = txn.device
      AND l.seq < first + CASE WHEN n_changes > 6 THEN 5 ELSE 6 END
    GROUP BY l.ts, l.device, l.seq),
  -- A time in words.
  day(ts, age, days, at, clock) AS (
    SELECT ts, now - ts / 1000000,
      CAST(julianday(date(now, 'unixepoch', 'localtime')) -
        julianday(date(ts / 1000000, 'unixepoch', 'localtime')) AS INTEGER),
      date(ts / 1000000, 'unixepoch', 'localtime'),
      strftime('%H:%M', ts / 1000000, 'unixepoch', 'localtime')
    FROM (SELECT DISTINCT ts FROM txn), input),
  said(ts, text) AS (
    SELECT ts, CASE
      WHEN age BETWEEN -5184000 AND -172800 THEN 'in ' || (-age / 86400) || ' days'
      WHEN age BETWEEN -172800 AND -7200 THEN 'in ' || (-age / 3600) || ' hours'
      WHEN age BETWEEN -7200 AND -60 THEN 'in ' || (1 - age / 60) || ' minutes'
      WHEN age BETWEEN -60 AND 59 THEN 'just now'
      WHEN age BETWEEN 60 AND 119 THEN '1 minute ago'
      WHEN age BETWEEN 120 AND 3599 THEN (age / 60) || ' minutes ago'
      WHEN days = 0 THEN 'today ' || clock
      WHEN days = 1 THEN 'yesterday ' || clock
      WHEN days BETWEEN 2 AND 6 THEN
        substr('SunMonTueWedThuFriSat', 1 + 3 * strftime('%w', at), 3) ||
        ' ' || clock
      WHEN days BETWEEN 7 AND 300 THEN
        substr('SunMonTueWedThuFriSat', 1 + 3 * strftime('%w', at), 3) ||
        ' ' || (strftime('%d', at) + 0) || ' ' ||
        substr('JanFebMarAprMayJunJulAugSepOctNovDec',
          3 * strftime('%m', at) - 2, 3)
      ELSE (strftime('%d', at) + 0) || ' ' ||
        substr('JanFebMarAprMayJunJulAugSepOctNovDec',
          3 * strftime('%m', at) - 2, 3) || strftime(' %Y', at) END
    FROM day),
  field(id, part, v, room) AS (
    SELECT id, 'key', key, 24 FROM change
    UNION ALL
    SELECT id, 'old', old, CASE op WHEN 'set' THEN 28 ELSE 56 END FROM change
    UNION ALL
    SELECT id, 'new', value, CASE old_op WHEN 'set' THEN 34 ELSE 56 END
    FROM change),
  -- Values as one line of text, no wider than their column.
  plain(id, part, room, text, is_cut) AS (
    SELECT id, part, room, CASE typeof(v)
        WHEN 'null' THEN '(null)'
        WHEN 'blob' THEN CASE
          WHEN length(v) = 1 THEN '(blob, 1 byte)'
          WHEN length(v) < 1000 THEN '(blob, ' || length(v) || ' bytes)'
          WHEN length(v) < 999500 THEN
            '(blob, ' || ((length(v) + 500) / 1000) || ' kB)'
          ELSE printf('(blob, %.1f MB)', length(v) / 1e6) END
        WHEN 'text' THEN
          CASE v WHEN '' THEN '(empty)' ELSE substr(v, 1, room + 1) END
        ELSE '' || v END,
      typeof(v) = 'text' AND
        length(CAST(v AS BLOB)) > length(CAST(substr(v, 1, room + 1) AS BLOB))
    FROM field),
  -- Characters that are not one column wide, or cannot be printed.
  odd(first, last, width, text) AS (VALUES
    (0, 31, 1, ' '), (127, 159, 1, ' '), (768, 879, 0, NULL),
    (4352, 4447, 2, NULL), (8203, 8207, 0, ''), (8232, 8238, 1, ' '),
    (8288, 8303, 0, ''), (11904, 42191, 2, NULL), (44032, 55203, 2, NULL),
    (55296, 57343, 1, '?'), (63744, 64255, 2, NULL), (65024, 65039, 0, ''),
    (65040, 65135, 2, NULL), (65279, 65279, 0, ''), (65280, 65376, 2, NULL),
    (127744, 129791, 2, NULL), (131072, 262143, 2, NULL),
    (917504, 921599, 0, '')),
  walk(id, part, room, rest, is_cut, step, width, text) AS (
    SELECT id, part, room, text, is_cut, 0, 0, '' FROM plain
    UNION ALL
    SELECT id, part, room, substr(rest, 2), is_cut, step + 1,
      walk.width + coalesce(odd.width, 1),
      walk.text || coalesce(odd.text, char(unicode(rest)))
    FROM walk LEFT JOIN odd ON unicode(rest) BETWEEN first AND last
    WHERE rest <> '' AND max(walk.width, step) <= room),
  shown(id, part, text, width, n_steps) AS (
    SELECT id, part,
      text || CASE WHEN rest <> '' OR is_cut THEN '…' ELSE '' END,
      width + (rest <> '' OR is_cut), max(step)
    FROM walk
    WHERE max(width, step) + (rest <> '' OR is_cut) <= room
    GROUP BY id, part),
  column_width(width) AS (
    SELECT max(width) FROM shown WHERE part = 'key'),
  line(ts, device, id, text) AS (
    SELECT ts, device, 0, char(10) || text || ', ' || device
    FROM (
      SELECT ts, device, text,
        lag(text || device) OVER (ORDER BY ts DESC, device) AS above
      FROM txn JOIN said USING(ts))
    WHERE above IS NOT text || device
    UNION ALL
    SELECT ts, device, id, '  ' || k.text ||
      printf('%*s', column_width.width - k.width + 2, '') || CASE
        WHEN op = 'delete' AND old_op = 'set' THEN 'deleted, was ' || o.text
        WHEN op = 'delete' THEN 'deleted'
        WHEN old_op = 'set' THEN o.text || ' → ' || v.text
        ELSE v.text || CASE WHEN old_op = 'delete' THEN '  (again)'
          ELSE '  (new)' END END
    FROM change, column_width
    JOIN shown AS k USING(id) JOIN shown AS o USING(id) JOIN shown AS v USING(id)
    WHERE k.part = 'key' AND o.part = 'old' AND v.part = 'new'
    UNION ALL
    SELECT ts, device, 1e9, printf('  … and %,d more', n_changes - 5)
    FROM txn WHERE n_changes > 6)
SELECT text FROM (
  SELECT 9e18 AS ts, '' AS device, 0 AS id, CASE
    WHEN EXISTS(SELECT 1 FROM txn) THEN 'The newest changes'
    ELSE 'Nothing was ever written here: the history is empty.' END AS text
  UNION ALL
  SELECT ts, device, id, text FROM line
  UNION ALL
  SELECT -1, '', 0, '')
ORDER BY ts DESC, device, id;
