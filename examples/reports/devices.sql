-- The devices of the store kv: when each wrote or acknowledged last, its state, how far behind.
--
--     .parameter set :now "'2026-11-03 09:30'"   pretend that it is this time (UTC)
--
-- A device is behind by the rows of this device's log that it has not yet
-- acknowledged; it does so when it writes, or once a day. Needs SQLite 3.40. Times are in
-- local time. Afterwards the shell has .mode list and .headers off.
.mode list
.headers off

WITH RECURSIVE
  input(now) AS (
    SELECT coalesce(
      CASE typeof(:now) WHEN 'integer' THEN :now / 1000000 END,
      CAST(strftime('%s', :now) AS INTEGER),
      CAST(strftime('%s', 'now') AS INTEGER))),
  device AS (
    SELECT row_number() OVER (ORDER BY is_self DESC, last_time DESC, device) AS id,
      *, 1000000 * strftime('%s', last_time) AS ts,
      max(CASE WHEN is_self THEN last_seq END) OVER () - acked_seq AS behind
    FROM kv_devices WHERE device IS NOT NULL),
  other AS (
    SELECT row_number() OVER (ORDER BY file) AS id, file, bytes
    FROM kv_devices WHERE device IS NULL),
  -- A time in words.
  day(ts, age, days, at, clock) AS (
    SELECT ts, now - ts / 1000000,
      CAST(julianday(date(now, 'unixepoch', 'localtime')) -
        julianday(date(ts / 1000000, 'unixepoch', 'localtime')) AS INTEGER),
      date(ts / 1000000, 'unixepoch', 'localtime'),
      strftime('%H:%M', ts / 1000000, 'unixepoch', 'localtime')
    FROM (SELECT DISTINCT ts FROM device WHERE ts IS NOT NULL), input),
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
  note(id, part, text) AS (
    SELECT id, 1, detail FROM device WHERE detail <> ''
    UNION ALL
    SELECT id, 2, printf('%,d change%s of it wait%s to be published', unpublished,
      CASE unpublished WHEN 1 THEN '' ELSE 's' END,
      CASE unpublished WHEN 1 THEN 's' ELSE '' END)
    FROM device WHERE unpublished > 0
    UNION ALL
    SELECT id, 3, 'its clock is ahead by ' || CASE
      WHEN clock_offset_ms < 120000 THEN (clock_offset_ms / 1000) || ' seconds'
      WHEN clock_offset_ms < 7200000 THEN (clock_offset_ms / 60000) || ' minutes'
      WHEN clock_offset_ms < 172800000
        THEN (clock_offset_ms / 3600000) || ' hours'
      WHEN clock_offset_ms < 63115200000
        THEN (clock_offset_ms / 86400000) || ' days'
      ELSE (clock_offset_ms / 31557600000) || ' years' END || ' or more'
    FROM device WHERE clock_offset_ms >= 10000),
  field(id, part, v, room) AS (
    SELECT id, part, text, 400 FROM note
    UNION ALL
    SELECT id, 'file', file, 80 FROM other WHERE id <= 10
    UNION ALL
    SELECT id, 'name', device, 24 FROM device),
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
  -- Notes in lines of 90 columns; cut is where the first line ends.
  wrap(id, part, n, text, rest, cut) AS (
    SELECT id, part, 0, '', text || ' ', 0 FROM shown WHERE part IN (1, 2, 3)
    UNION ALL
    SELECT id, part, n + 1, substr(rest, 1, cut), substr(rest, cut + 1), 0
    FROM wrap WHERE cut > 0
    UNION ALL
    SELECT id, part, n, text, rest, CASE instr(substr(rest, 1, 90), ' ')
      WHEN 0 THEN 90
      ELSE length(rtrim(substr(rest, 1, 90), replace(substr(rest, 1, 90), ' ', '')))
      END
    FROM wrap WHERE cut = 0 AND rest <> ''),
  line(id, part, n, text) AS (
    SELECT id, 0, 0, printf('  %!*s  %-9s  %!-17s  %!9s  %9s  %s',
      -max(6, max(shown.width) OVER ()), shown.text, state,
      coalesce(said.text, 'nothing yet'), printf('%,d', n_rows), CASE
        WHEN bytes IS NULL THEN '–'
        WHEN bytes < 1000 THEN bytes || ' B'
        WHEN bytes < 999500 THEN ((bytes + 500) / 1000) || ' kB'
        WHEN bytes < 999500000 THEN printf('%.1f MB', bytes / 1e6)
        ELSE printf('%.1f GB', bytes / 1e9) END,
      CASE WHEN is_self THEN 'this device' WHEN behind IS NULL THEN '–'
        WHEN behind < 1 THEN 'no' ELSE printf('%,d', behind) END)
    FROM device JOIN shown USING(id) LEFT JOIN said USING(ts)
    WHERE shown.part = 'name'
    UNION ALL
    SELECT id, part, n, '    ' || CASE n WHEN 1 THEN '› ' ELSE '  ' END || text
    FROM wrap WHERE cut = 0 AND n > 0
    UNION ALL
    SELECT 0, 0, 0, char(10) || printf('  %!*s  %-9s  %-17s  %9s  %9s  %s',
      -max(6, max(width)), 'Device', 'State', 'Last seen', 'Changes', 'Size',
      'Behind')
    FROM shown WHERE part = 'name' HAVING count(*) > 0
    UNION ALL
    SELECT 1e6, 0, id, CASE id WHEN 1 THEN char(10) ||
        'Not read, since it is no log of a device:' || char(10) ELSE '' END ||
      '  ' || text
    FROM shown WHERE part = 'file'
    UNION ALL
    SELECT 1e7, 0, 0, printf('  … and %,d more', count(*) - 10)
    FROM other HAVING count(*) > 10)
SELECT rtrim(text) FROM (
  SELECT -1 AS id, 0 AS part, 0 AS n, CASE count(*)
    WHEN 0 THEN 'There are no devices here yet.'
    WHEN 1 THEN 'One device' ELSE printf('%,d devices', count(*)) END ||
    coalesce(': ' || (SELECT group_concat(n || ' ' || state, ', ') FROM (
      SELECT state, count(*) AS n FROM device
      GROUP BY state ORDER BY state <> 'ok', n DESC, state)), '') AS text
  FROM device
  UNION ALL
  SELECT id, part, n, text FROM line
  UNION ALL
  SELECT 1e9, 0, 0, '')
ORDER BY id, part, n;
