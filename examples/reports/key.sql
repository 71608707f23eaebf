-- Every change of one key of the store kv.
--
--     .parameter set :key "'title'"     the key (the one that changed last)
--     .parameter set :limit 100         how many changes, the newest first (25)
--     .parameter set :now "'2026-11-03 09:30'"   pretend that it is this time (UTC)
--
-- Text needs both kinds of quotes; otherwise '42' is the number 42. Needs SQLite
-- 3.40. Times are in local time. Afterwards the shell has .mode list and .headers
-- off.
.mode list
.headers off

WITH RECURSIVE
  input(now, n, key) AS (
    SELECT coalesce(
      CASE typeof(:now) WHEN 'integer' THEN :now / 1000000 END,
      CAST(strftime('%s', :now) AS INTEGER),
      CAST(strftime('%s', 'now') AS INTEGER)),
      max(1, coalesce(CAST(:limit AS INTEGER), 25)),
      coalesce(:key, (SELECT key FROM kv_log ORDER BY ts DESC LIMIT 1))),
  -- Its changes; the newest is 1. If a change did not replace the one before, its
  -- device had not seen that one.
  change(id, ts, device, op, old_op, is_blind) AS (
    SELECT row_number() OVER latest, ts, device, op, lead(op) OVER latest,
      lead(ts) OVER latest IS NOT parent_ts
    FROM kv_log WHERE key = (SELECT key FROM input)
    WINDOW latest AS (ORDER BY ts DESC, device DESC, seq DESC)),
  total(n, n_devices, first_ts) AS (
    SELECT count(*), count(DISTINCT device), min(ts) FROM change),
  event(id, ts, device, name, op, old_op, is_blind, value) AS (
    SELECT id, c.ts, c.device, CASE WHEN length(c.device) > 20
        THEN substr(c.device, 1, 19) || '…' ELSE c.device END,
      c.op, old_op, is_blind, l.value
    FROM change AS c CROSS JOIN input CROSS JOIN total
    CROSS JOIN kv_log AS l ON l.key = input.key
    WHERE (id <= input.n OR id = total.n)
      AND l.ts = c.ts AND l.device = c.device
    GROUP BY id),
  -- A time in words.
  day(ts, age, days, at, clock) AS (
    SELECT ts, now - ts / 1000000,
      CAST(julianday(date(now, 'unixepoch', 'localtime')) -
        julianday(date(ts / 1000000, 'unixepoch', 'localtime')) AS INTEGER),
      date(ts / 1000000, 'unixepoch', 'localtime'),
      strftime('%H:%M', ts / 1000000, 'unixepoch', 'localtime')
    FROM (SELECT DISTINCT ts FROM event), input),
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
    SELECT id, 'value', value,
      CASE WHEN is_blind AND old_op IS NOT NULL THEN 30 ELSE 46 END FROM event
    UNION ALL
    SELECT 0, 'now', value, 46 FROM event WHERE id = 1
    UNION ALL
    SELECT 0, 'key', key, 84 FROM input),
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
  line(id, text) AS (
    SELECT id, printf('  %!*s  %!*s  ', -max(length(said.text)) OVER (),
        said.text, -max(length(name)) OVER (), name) || CASE
      WHEN op = 'delete' AND old_op = 'set' THEN 'deleted it'
      WHEN op = 'delete' THEN 'deleted it, too'
      ELSE shown.text END || CASE
      WHEN old_op IS NULL THEN '  (new)'
      WHEN is_blind THEN '  (had not seen the above)'
      WHEN op = 'set' AND old_op = 'delete' THEN '  (again)'
      ELSE '' END
    FROM event JOIN said USING(ts) JOIN shown USING(id)
    WHERE part = 'value')
SELECT text FROM (
  SELECT 9e9 AS id, CASE
    WHEN total.n > 0 THEN 'The life of ' || shown.text || char(10)
    WHEN key IS NULL THEN 'Nothing was ever written here: the history is empty.'
    ELSE 'There never was a key ' || shown.text || '.' END AS text
  FROM input, total, shown WHERE part = 'key'
  UNION ALL
  SELECT id, text FROM line
  UNION ALL
  SELECT input.n + 0.5, printf('  … and %,d in between', total.n - input.n - 1)
  FROM total, input WHERE total.n > input.n + 1
  UNION ALL
  SELECT 0.5, char(10) || CASE op
      WHEN 'delete' THEN 'It is deleted' ELSE 'Now it is ' || shown.text END ||
    printf(', after %,d change%s by %d device%s.', total.n,
      CASE total.n WHEN 1 THEN '' ELSE 's' END, n_devices,
      CASE n_devices WHEN 1 THEN '' ELSE 's' END)
  FROM total, event JOIN shown ON part = 'now' WHERE event.id = 1
  UNION ALL
  SELECT -1, '')
ORDER BY id DESC;
