-- How the store kv grew: all changes over time as an area, and who made them.
--
--     .parameter set :now "'2026-11-03 09:30'"   pretend that it is this time (UTC)
--
-- Needs SQLite 3.40. Times are in local time. Afterwards the shell has .mode list
-- and .headers off.
.mode list
.headers off

WITH RECURSIVE
  input(now) AS (
    SELECT coalesce(
      CASE typeof(:now) WHEN 'integer' THEN :now / 1000000 END,
      CAST(strftime('%s', :now) AS INTEGER),
      CAST(strftime('%s', 'now') AS INTEGER))),
  -- 72 columns from the first change to now, in microseconds.
  span(start, step) AS (
    SELECT start, max(1, ((SELECT now FROM input) * 1000000 - start) / 72 + 1)
    FROM (SELECT ts AS start FROM kv_log ORDER BY ts LIMIT 1)),
  part(device, x, n, n_new, n_deleted) AS (
    SELECT device, min(71, (ts - start) / step), count(*), sum(parent_ts IS NULL),
      sum(op = 'delete')
    FROM kv_log CROSS JOIN span GROUP BY 1, 2),
  x(x) AS (SELECT 0 FROM span UNION ALL SELECT x + 1 FROM x WHERE x < 71),
  total(n, n_devices) AS (SELECT sum(n), count(DISTINCT device) FROM part),
  -- The area: how many eighths of its 8 lines are filled in each column.
  hill(x, eighths) AS (
    SELECT x, (64 * sum(sum(coalesce(part.n, 0))) OVER (ORDER BY x) + total.n - 1) /
      total.n
    FROM total CROSS JOIN x LEFT JOIN part USING(x) GROUP BY x),
  y(y) AS (SELECT 0 FROM span UNION ALL SELECT y + 1 FROM y WHERE y < 7),
  hill_line(y, text) AS (
    SELECT y, group_concat(substr(' ▁▂▃▄▅▆▇█',
      1 + max(0, min(8, eighths - 8 * y)), 1), '')
    FROM (SELECT * FROM y CROSS JOIN hill ORDER BY y, x) GROUP BY y),
  -- Sparklines, each with a scale of its own.
  spark(place, name, x, n) AS (
    SELECT 1, 'new keys', x, sum(n_new) FROM part GROUP BY x
    UNION ALL
    SELECT 2, 'deletes', x, sum(n_deleted) FROM part GROUP BY x
    UNION ALL
    SELECT 2 + place, CASE WHEN place = 8 AND n_devices > 8 THEN 'others'
      WHEN length(device) > 12 THEN substr(device, 1, 11) || '…'
      ELSE device END, x, sum(part.n)
    FROM part JOIN (
        SELECT device, min(8, row_number() OVER (ORDER BY sum(n) DESC, device))
          AS place
        FROM part GROUP BY device) USING(device), total
    GROUP BY place, x),
  spark_line(place, name, n, text) AS (
    SELECT place, name, sum(n), group_concat(CASE WHEN n > 0
      THEN substr('▁▂▃▄▅▆▇█', (8 * n + most - 1) / most, 1)
      ELSE ' ' END, '')
    FROM (
      SELECT place, name, x.x, coalesce(n, 0) AS n, max(n) OVER (PARTITION BY place)
        AS most
      FROM (SELECT DISTINCT place, name FROM spark) AS s CROSS JOIN x
      LEFT JOIN spark USING(place, name, x)
      ORDER BY place, x.x)
    GROUP BY place HAVING sum(n) > 0),
  label(first, last) AS (
    SELECT (strftime('%d', at) + 0) || ' ' ||
      substr('JanFebMarAprMayJunJulAugSepOctNovDec', 3 * strftime('%m', at) - 2, 3) ||
      strftime(' %Y', at), 'now'
    FROM (
      SELECT date(start / 1000000, 'unixepoch', 'localtime') AS at FROM span)),
  line(id, text) AS (
    SELECT 10 - y, printf('%12s %s%s', CASE y WHEN 7 THEN printf('%,d', n)
        WHEN 3 THEN printf('%,d', n / 2) ELSE '' END,
      CASE WHEN y IN (7, 3) THEN '┤' ELSE '│' END, rtrim(text))
    FROM hill_line, total
    UNION ALL
    SELECT 11, printf('%12s └', '') || replace(printf('%72s', ''), ' ', '─') ||
      printf('%s%14s%-36s%36s%s', char(10), '', first, last, char(10))
    FROM label
    UNION ALL
    SELECT 20 + place, printf('%!12s  %s  %*s', name, text,
      length(printf('%,d', max(n) OVER ())), printf('%,d', n))
    FROM spark_line)
SELECT rtrim(text) FROM (
  SELECT 0 AS id, CASE WHEN n IS NULL
      THEN 'Nothing was ever written here: the history is empty.'
    ELSE printf('%,d key%s now, after %,d change%s by %d device%s%s',
      n_keys, CASE n_keys WHEN 1 THEN '' ELSE 's' END,
      n, CASE n WHEN 1 THEN '' ELSE 's' END, n_devices,
      CASE n_devices WHEN 1 THEN '' ELSE 's' END, (
        SELECT CASE WHEN sum(bytes) < 999500
            THEN printf(', in logs of %d kB', (sum(bytes) + 500) / 1000)
          WHEN sum(bytes) < 999500000
            THEN printf(', in logs of %.1f MB', sum(bytes) / 1e6)
          ELSE printf(', in logs of %.1f GB', sum(bytes) / 1e9) END
        FROM kv_devices WHERE device IS NOT NULL)) || char(10)
    END AS text
  FROM total, (SELECT count(*) AS n_keys FROM kv)
  UNION ALL
  SELECT id, text FROM line
  UNION ALL
  SELECT 99, '')
ORDER BY id;
