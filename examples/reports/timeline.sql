-- A page with the timeline of the store kv: a lane for each device, its edits,
-- deletes and conflicts along time. Writes kv-timeline.html in the current
-- folder: one file without scripts that loads nothing from anywhere.
--
--     .parameter set :days 30       how many days, up to today (all)
--     .parameter set :now "'2026-11-03 09:30'"   pretend that it is this time (UTC)
--
-- Marks that are close to each other are drawn as one, so that the page stays
-- small. Needs SQLite 3.40. Times are in local time. Afterwards the shell has
-- .mode list and .headers off, and prints to the screen.
.mode list
.headers off
.once kv-timeline.html

WITH RECURSIVE
  input(now) AS (
    SELECT coalesce(
      CASE typeof(:now) WHEN 'integer' THEN :now / 1000000 END,
      CAST(strftime('%s', :now) AS INTEGER),
      CAST(strftime('%s', 'now') AS INTEGER))),
  -- What is drawn, in microseconds.
  span(start, stop) AS (
    SELECT start, max(now * 1000000, start + 60000000)
    FROM input, (
      SELECT ts AS start FROM kv_log
      WHERE ts >= coalesce(
        ((SELECT now FROM input) - 86400 * CAST(:days AS INTEGER)) * 1000000, 0)
      ORDER BY ts LIMIT 1)),
  device_count(n) AS (
    SELECT max(1, min(14, count(*))) FROM kv_devices WHERE n_rows > 0),
  -- The number of places for marks. The drawing is 1200 wide; time begins at
  -- 180.
  scale(start, stop, n, step, width) AS (
    SELECT start, stop, n, (stop - start) / n + 1, 1000.0 / n
    FROM span, (SELECT max(60, min(168, 900 / n)) AS n FROM device_count)),
  -- Group by one integer, which sorts faster than names: the number of the
  -- device in a list of all, the place, the kind.
  names(names) AS (
    SELECT '|' || group_concat(device, '||') || '|' FROM kv_devices
    WHERE device IS NOT NULL),
  -- To read all rows, their own order is fastest; for some, the index by time.
  pile(pile, n, first_ts, last_ts, low, high) AS (
    SELECT instr(names, '|' || device || '|') * 1000 +
        min(n - 1, (ts - start) / step) * 2 + (op = 'delete') AS pile,
      count(*), min(ts), max(ts), min(key), max(key)
    FROM scale CROSS JOIN names CROSS JOIN kv_log
    WHERE :days IS NULL GROUP BY pile
    UNION ALL
    SELECT instr(names, '|' || device || '|') * 1000 +
        min(n - 1, (ts - start) / step) * 2 + (op = 'delete') AS pile,
      count(*), min(ts), max(ts), min(key), max(key)
    FROM scale CROSS JOIN names CROSS JOIN kv_log
    WHERE :days IS NOT NULL AND ts >= start GROUP BY pile),
  cell(id, device, x, is_delete, n, first_ts, last_ts, low, high) AS (
    SELECT row_number() OVER (), device, pile % 1000 / 2, pile % 2, n,
      first_ts, last_ts, low, high
    FROM pile JOIN names
    JOIN kv_devices ON instr(names, '|' || device || '|') = pile / 1000
    WHERE device IS NOT NULL),
  lane(device, place, name, y, n_edits, n_deletes) AS (
    SELECT device, place, CASE WHEN place = 14 AND n_all > 14
        THEN (n_all - 13) || ' others' WHEN length(device) > 18
        THEN substr(device, 1, 17) || '…' ELSE device END,
      84 * place, n_edits, n_deletes
    FROM (
      SELECT device, sum(n * NOT is_delete) AS n_edits,
        sum(n * is_delete) AS n_deletes, count(*) OVER () AS n_all,
        min(14, row_number() OVER (ORDER BY sum(n) DESC, device)) AS place
      FROM cell GROUP BY device)),
  -- One mark each; the lane of all others has those of several devices.
  spot(id, y, name, x, is_delete, n, first_ts, last_ts, low, high) AS (
    SELECT min(id), y, CASE count(DISTINCT device) WHEN 1 THEN device ELSE name END,
      x, is_delete, sum(n), min(first_ts), max(last_ts), min(low), max(high)
    FROM cell JOIN lane USING(device) GROUP BY y, x, is_delete),
  total(n_edits, n_deletes, n_devices, n_lanes) AS (
    SELECT coalesce(sum(n_edits), 0), coalesce(sum(n_deletes), 0),
      count(*), coalesce(max(place), 0)
    FROM lane),
  conflict AS (SELECT * FROM kv_conflicts),
  clash(id, device, x, n, first_ts, last_ts, low, high, winner, n_winners) AS (
    SELECT 1000000 + row_number() OVER (), * FROM (
      SELECT lost_device, min(n - 1, (lost_ts - start) / step), count(*),
        min(lost_ts), max(lost_ts), min(key), max(key), min(device),
        count(DISTINCT device)
      FROM scale CROSS JOIN conflict WHERE lost_ts >= start
      GROUP BY 1, 2)),
  -- The newest conflicts, in words.
  told(id, key, value, op, device, lost_value, lost_device, lost_ts) AS (
    SELECT * FROM (
      SELECT 2000000 + row_number() OVER (
          ORDER BY max(ts, lost_ts) DESC, key, lost_ts DESC, lost_device) AS id,
        key, value, op, device, lost_value, lost_device, lost_ts
      FROM conflict)
    WHERE id <= 2000008),
  mark(id, kind, y, x, n, first_ts, last_ts, who, what) AS (
    SELECT id, CASE is_delete WHEN 0 THEN 'edit' ELSE 'delete' END,
      y, x, n, first_ts, last_ts,
      name || ': ', CASE is_delete WHEN 0 THEN 'edit' ELSE 'delete' END
    FROM spot
    UNION ALL
    SELECT id, 'conflict', y, x, n, first_ts, last_ts, device || ' lost' ||
      CASE n_winners WHEN 1 THEN ' to ' || winner ELSE '' END || ': ', 'value'
    FROM clash JOIN lane USING(device)),
  -- Times in full, since the page is kept for longer than a day.
  stamp(ts, day, clock) AS (
    SELECT ts, substr('SunMonTueWedThuFriSat', 1 + 3 * strftime('%w', at), 3) ||
        ' ' || (strftime('%d', at) + 0) || ' ' ||
        substr('JanFebMarAprMayJunJulAugSepOctNovDec',
          3 * strftime('%m', at) - 2, 3) ||
        CASE WHEN strftime('%Y', at) =
            strftime('%Y', now, 'unixepoch', 'localtime')
          THEN '' ELSE strftime(' %Y', at) END,
      strftime('%H:%M', at)
    FROM input, (
      SELECT ts, datetime(ts / 1000000, 'unixepoch', 'localtime') AS at
      FROM (
        SELECT first_ts AS ts FROM mark UNION SELECT last_ts FROM mark
        UNION SELECT lost_ts FROM told UNION SELECT now * 1000000 FROM input
        UNION SELECT start FROM span))),
  -- The vertical lines: the first unit that makes no more than 12 of them.
  unit(modifier, seconds, form) AS (
    SELECT * FROM (VALUES
      ('1 minutes', 60, 'clock'), ('5 minutes', 300, 'clock'),
      ('15 minutes', 900, 'clock'), ('60 minutes', 3600, 'clock'),
      ('180 minutes', 10800, 'clock'), ('720 minutes', 43200, 'clock'),
      ('1 days', 86400, 'day'), ('2 days', 172800, 'day'),
      ('7 days', 604800, 'day'), ('14 days', 1209600, 'day'),
      ('1 months', 2678400, 'month'), ('3 months', 8035200, 'month'),
      ('12 months', 32140800, 'year'), ('60 months', 160704000, 'year'),
      ('600 months', 1.6e9, 'year'))
    WHERE column2 * 11000000.0 >= (SELECT stop - start FROM span) LIMIT 1),
  tick(at) AS (
    SELECT CASE
      WHEN form IN ('month', 'year') THEN datetime(local, 'unixepoch',
        'start of year')
      WHEN seconds >= 604800 THEN datetime(local, 'unixepoch', 'start of day',
        '-6 days', 'weekday 1')
      ELSE datetime(local - local % seconds, 'unixepoch') END
    FROM unit, (
      SELECT CAST(strftime('%s', start / 1000000, 'unixepoch', 'localtime')
        AS INTEGER) AS local FROM span)
    UNION ALL
    SELECT datetime(at, '+' || modifier) FROM tick, unit, span
    WHERE at < datetime(stop / 1000000, 'unixepoch', 'localtime')),
  tick_line(x, text) AS (
    SELECT * FROM (
      SELECT 180 + 1000.0 * (strftime('%s', at, 'utc') * 1000000.0 - start) /
          (stop - start) AS x,
        CASE WHEN form = 'year' THEN strftime('%Y', at)
          WHEN form = 'clock' AND strftime('%H:%M', at) <> '00:00'
            THEN strftime('%H:%M', at)
          WHEN form = 'month' THEN
            substr('JanFebMarAprMayJunJulAugSepOctNovDec',
              3 * strftime('%m', at) - 2, 3) || strftime(' %Y', at)
          ELSE (strftime('%d', at) + 0) || ' ' ||
            substr('JanFebMarAprMayJunJulAugSepOctNovDec',
              3 * strftime('%m', at) - 2, 3) END
      FROM tick, unit, span)
    WHERE x BETWEEN 180 AND 1150),
  field(id, part, v, room) AS (
    SELECT id, 'low', low, 24 FROM spot
    UNION ALL
    SELECT id, 'high', high, 24 FROM spot WHERE high IS NOT low
    UNION ALL
    SELECT id, 'low', low, 24 FROM clash
    UNION ALL
    SELECT id, 'high', high, 24 FROM clash WHERE high IS NOT low
    UNION ALL
    SELECT id, 'key', key, 40 FROM told
    UNION ALL
    SELECT id, 'kept', value, 40 FROM told
    UNION ALL
    SELECT id, 'lost', lost_value, 40 FROM told),
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
  html(id, part, text) AS (
    SELECT id, part, replace(replace(replace(replace(replace(text,
      '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;')
    FROM shown),
  drawn(kind, y, x, id, text) AS (
    SELECT kind, y, x, m.id, CASE kind
        WHEN 'edit' THEN printf(
          '<rect class="edit" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="%.1f">',
          180 + x * width + width * 0.14, y - height, width * 0.72, height,
          min(3, width * 0.36))
        WHEN 'delete' THEN printf(
          '<path class="delete" d="M%.1f %.1fh%.1fl%.1f %.1fz">',
          180 + (x + 0.5) * width - size, y + 5.0, 2 * size, -size, 1.6 * size)
        ELSE printf('<path class="conflict" d="M%.1f %.1fl6 7-6 7-6-7z">',
          180 + (x + 0.5) * width, y - 54.0) END ||
      '<title>' || who || printf('%,d ', n) || what ||
      CASE n WHEN 1 THEN '' ELSE 's' END || ', ' || low.text ||
      CASE WHEN high.text IS NULL THEN '' WHEN n = 2 THEN ' and ' || high.text
        ELSE ' to ' || high.text END ||
      char(10) || a.day || ', ' || a.clock || CASE
        WHEN b.day = a.day AND b.clock = a.clock THEN ''
        WHEN b.day = a.day THEN ' to ' || b.clock
        ELSE ' to ' || b.day || ', ' || b.clock END || '</title></' ||
      CASE kind WHEN 'edit' THEN 'rect>' ELSE 'path>' END
    FROM (
      SELECT mark.*, width,
        5 + 35 * sqrt(1.0 * mark.n / max(mark.n) OVER (PARTITION BY kind))
          AS height,
        4 + 4 * sqrt(1.0 * mark.n / max(mark.n) OVER (PARTITION BY kind))
          AS size
      FROM mark, scale) AS m
    JOIN html AS low ON low.id = m.id AND low.part = 'low'
    LEFT JOIN html AS high ON high.id = m.id AND high.part = 'high'
    JOIN stamp AS a ON a.ts = first_ts JOIN stamp AS b ON b.ts = last_ts),
  page(part, y, x, id, text) AS (
    SELECT 0, 0, 0, 0, '<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src ''none''; style-src ''unsafe-inline''; img-src data:">
<link rel="icon" href="data:,">
<title>Timeline</title>
<style>
:root {
  color-scheme: light dark;
  --page: #f6f5f2; --card: #fff; --text: #1c2330; --soft: #667085;
  --line: #e7e5df; --base: #c9c6bd;
  --edit: #0072b2; --delete: #d55e00; --conflict: #fff; --edge: #a3197a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12151b; --card: #1a1f28; --text: #e8eaee; --soft: #98a2b3;
    --line: #29303c; --base: #475063;
    --edit: #56b4e9; --delete: #f0913a; --conflict: #1a1f28; --edge: #f08fcd;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 40px 32px 56px; max-width: 1320px;
  background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
h1 { margin: 0; font-size: 30px; line-height: 1.2; letter-spacing: -0.02em; }
h2 { margin: 40px 0 12px; font-size: 19px; letter-spacing: -0.01em; }
p { margin: 6px 0 0; color: var(--soft); }
.totals { display: flex; flex-wrap: wrap; gap: 14px 44px; margin: 28px 0 24px; }
.totals div { min-width: 72px; }
.totals dt { color: var(--soft); font-size: 14px; }
.totals dd { margin: 0; font-size: 27px; font-weight: 600; line-height: 1.25; }
.card {
  background: var(--card); border: 1px solid var(--line); border-radius: 14px;
  padding: 18px 20px 12px; overflow-x: auto;
}
.legend {
  display: flex; flex-wrap: wrap; gap: 6px 26px; margin: 0 0 8px;
  color: var(--soft); font-size: 14px;
}
.legend svg { width: 16px; height: 16px; margin-right: 7px; vertical-align: -3px; }
.chart { display: block; width: 100%; min-width: 760px; height: auto; }
.chart text { fill: var(--soft); font-size: 13px; }
.chart .name { fill: var(--text); font-size: 16px; font-weight: 600; }
.chart .now { fill: var(--text); font-weight: 600; }
.grid { stroke: var(--line); }
.base { stroke: var(--base); }
.today { stroke: var(--soft); stroke-dasharray: 2 4; }
.edit { fill: var(--edit); }
.delete { fill: var(--delete); }
.conflict { fill: var(--conflict); stroke: var(--edge); stroke-width: 2.5; }
.lane > :hover { stroke: var(--text); stroke-width: 1.5; }
ul { margin: 0; padding: 0; list-style: none; }
li { padding: 10px 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
li:first-child { border-top: 0; }
li span { color: var(--soft); }
b { font-weight: 600; }
</style>
</head>
<body>
<h1>Timeline</h1>'
    UNION ALL
    SELECT 1, 0, 0, 0, '<p>' || CASE WHEN b.ts IS NULL
        THEN 'Nothing was written in this time.</p>'
      ELSE CASE WHEN a.day = b.day THEN a.day || ', ' || a.clock || ' to ' || b.clock
        ELSE a.day || ' to ' || b.day || ', ' || b.clock END || '</p>' END
    FROM (SELECT 1) LEFT JOIN span LEFT JOIN stamp AS a ON a.ts = start
    LEFT JOIN (SELECT stamp.* FROM input JOIN stamp ON ts = now * 1000000) AS b
      ON start IS NOT NULL
    UNION ALL
    SELECT 2, 0, 0, 0, '<dl class="totals">' || group_concat('
<div><dt>' || name || '</dt><dd>' || printf('%,d', n) || '</dd></div>', '') || '
</dl>'
    FROM (
      SELECT 'Edits' AS name, n_edits AS n FROM total
      UNION ALL SELECT 'Deletes', n_deletes FROM total
      UNION ALL SELECT 'Conflicts', (SELECT count(*) FROM conflict)
      UNION ALL SELECT 'Devices', n_devices FROM total
      UNION ALL SELECT 'Keys now', (SELECT count(*) FROM kv))
    UNION ALL
    SELECT 3, 0, 0, 0, printf('<div class="card">
<div class="legend">
<span><svg viewBox="0 0 16 16"><rect class="edit" x="1" y="7" width="4" height="8" rx="2"/>'
|| '<rect class="edit" x="6" y="1" width="4" height="14" rx="2"/>'
|| '<rect class="edit" x="11" y="10" width="4" height="5" rx="2"/></svg>'
|| 'edits, the taller the more</span>
<span><svg viewBox="0 0 16 16"><path class="delete" d="M2 3h12l-6 10z"/></svg>'
|| 'deletes</span>
<span><svg viewBox="0 0 16 16"><path class="conflict" d="M8 1l6 7-6 7-6-7z"/></svg>'
|| 'conflicts: values overwritten unseen</span>
</div>
<svg class="chart" viewBox="0 0 1200 %d" role="img"'
|| ' aria-label="Edits, deletes and conflicts of each device along time">',
      84 * n_lanes + 46)
    FROM total WHERE n_lanes > 0
    UNION ALL
    SELECT 4, 0, x, 0, printf('<path class="grid" d="M%.1f 8V%d"/>'
      || '<text x="%.1f" y="%d" text-anchor="%s">%s</text>', x, 84 * n_lanes + 20,
      x, 84 * n_lanes + 40, 'middle', text)
    FROM tick_line, total
    UNION ALL
    SELECT 4, 0, 1180, 0, printf('<path class="today" d="M1180 8V%d"/>'
      || '<text class="now" x="1180" y="%d" text-anchor="end">now</text>',
      84 * n_lanes + 20, 84 * n_lanes + 40)
    FROM total WHERE n_lanes > 0
    UNION ALL
    SELECT 5, y, 0, 0, printf('<g class="lane">'
      || '<path class="base" d="M180 %d.5H1180"/>'
      || '<text class="name" x="0" y="%d">%s</text><text x="0" y="%d">%s</text>',
      y + 1, y - 18, name, y + 2, printf('%,d edit%s', sum(n_edits),
        CASE sum(n_edits) WHEN 1 THEN '' ELSE 's' END) ||
      CASE WHEN sum(n_deletes) > 0 THEN printf(', %,d delete%s', sum(n_deletes),
        CASE sum(n_deletes) WHEN 1 THEN '' ELSE 's' END) ELSE '' END)
    FROM lane GROUP BY y
    UNION ALL
    SELECT 5, y, 1 + (kind = 'delete') + 2 * (kind = 'conflict'), x, text FROM drawn
    UNION ALL
    SELECT 5, y, 9, 0, '</g>' FROM lane GROUP BY y
    UNION ALL
    SELECT 6, 0, 0, 0, '</svg>
</div>' FROM total WHERE n_lanes > 0
    UNION ALL
    SELECT 7, 0, 0, 0, '<h2>Conflicts</h2>
<ul class="card">' WHERE EXISTS(SELECT 1 FROM told)
    UNION ALL
    SELECT 7, 1, 0, t.id, '<li><b>' || k.text || '</b>: ' || device || CASE op
        WHEN 'delete' THEN ' deleted it' ELSE ' wrote “' || w.text || '”' END ||
      ' and had not seen “' || l.text || '”, <span>written by ' || lost_device ||
      ' on ' || day || ', ' || clock || '</span></li>'
    FROM told AS t JOIN stamp ON ts = lost_ts
    JOIN html AS k ON k.id = t.id AND k.part = 'key'
    JOIN html AS w ON w.id = t.id AND w.part = 'kept'
    JOIN html AS l ON l.id = t.id AND l.part = 'lost'
    UNION ALL
    SELECT 8, 0, 0, 0, CASE WHEN n > 8
      THEN printf('<li><span>and %,d more</span></li>', n - 8) ELSE '' END || '
</ul>'
    FROM (SELECT count(*) AS n FROM conflict) WHERE n > 0
    UNION ALL
    SELECT 9, 0, 0, 0, '</body>
</html>')
SELECT text FROM page ORDER BY part, y, x, id;
.print Wrote kv-timeline.html: open it in a browser.
