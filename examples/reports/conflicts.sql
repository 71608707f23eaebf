-- Conflicts of the store kv: values that were overwritten unseen, and by whom.
--
--     .parameter set :limit 100     how many keys, the newest first (20)
--     .parameter set :now "'2026-11-03 09:30'"   pretend that it is this time (UTC)
--
-- Needs SQLite 3.40. Times are in local time. Afterwards the shell has .mode list
-- and .headers off.
.mode list
.headers off

WITH RECURSIVE
  input(now, n) AS (
    SELECT coalesce(
      CASE typeof(:now) WHEN 'integer' THEN :now / 1000000 END,
      CAST(strftime('%s', :now) AS INTEGER),
      CAST(strftime('%s', 'now') AS INTEGER)),
      max(1, coalesce(CAST(:limit AS INTEGER), 20))),
  conflict AS (SELECT * FROM kv_conflicts),
  lost_key(id, bucket, key, op, value, device, ts) AS (
    SELECT row_number() OVER (ORDER BY max(ts, max(lost_ts)) DESC, bucket, key),
      bucket, key, op, value, device, ts
    FROM conflict GROUP BY bucket, key),
  entry(id, part, device, ts, op, value) AS (
    SELECT id, 0, device, ts, op, value FROM lost_key, input WHERE id <= n
    UNION ALL
    SELECT * FROM (
      SELECT id, row_number() OVER (PARTITION BY id ORDER BY lost_ts DESC) AS part,
        lost_device, lost_ts, 'set', lost_value
      FROM lost_key JOIN conflict USING(bucket, key), input WHERE id <= n)
    WHERE part <= 5),
  -- A time in words.
  day(ts, age, days, at, clock) AS (
    SELECT ts, now - ts / 1000000,
      CAST(julianday(date(now, 'unixepoch', 'localtime')) -
        julianday(date(ts / 1000000, 'unixepoch', 'localtime')) AS INTEGER),
      date(ts / 1000000, 'unixepoch', 'localtime'),
      strftime('%H:%M', ts / 1000000, 'unixepoch', 'localtime')
    FROM (SELECT DISTINCT ts FROM entry), input),
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
    SELECT id, -1, key, 90 FROM lost_key, input WHERE id <= n
    UNION ALL
    SELECT id, part, value, 44 FROM entry),
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
  line(id, part, text) AS (
    SELECT id, -1, char(10) || text FROM shown WHERE part = -1
    UNION ALL
    SELECT id, part, '  ' || CASE part WHEN 0 THEN 'kept  ' ELSE 'lost  ' END ||
      CASE op WHEN 'delete' THEN 'nothing: it was deleted' ||
          printf('%*s', max(w.width - 23, 0), '')
        ELSE shown.text || printf('%*s', w.width - shown.width, '') END ||
      '  ' || CASE WHEN length(device) > 24
        THEN substr(device, 1, 23) || '…' ELSE device END || ', ' || said.text
    FROM entry JOIN shown USING(id, part) JOIN said USING(ts),
      (SELECT max(CASE op WHEN 'delete' THEN 23 ELSE shown.width END) AS width
      FROM entry JOIN shown USING(id, part)) AS w)
SELECT text FROM (
  SELECT 0 AS id, 0 AS part, CASE count(*)
    WHEN 0 THEN 'No conflicts: nothing was overwritten unseen.'
    WHEN 1 THEN 'One value was overwritten by a device that had not seen it'
    ELSE printf('%,d values were overwritten by devices that had not seen them',
      count(*)) END AS text
  FROM conflict
  UNION ALL
  SELECT id, part, text FROM line
  UNION ALL
  SELECT 9e9, 0, char(10) || CASE n_keys - n WHEN 1 THEN 'One more key is older.'
    ELSE printf('%,d more keys are older.', n_keys - n) END
  FROM input, (SELECT count(*) AS n_keys FROM lost_key) WHERE n < n_keys
  UNION ALL
  SELECT 9e10, 0, char(10) || 'Setting a key again settles it, with either value.'
  WHERE EXISTS(SELECT 1 FROM conflict)
  UNION ALL
  SELECT 9e11, 0, '')
ORDER BY id, part;
