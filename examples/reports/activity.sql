-- Activity of the store kv: how many changes each device made on each day.
--
--     .parameter set :days 30       how many days, up to today (7)
--     .parameter set :now "'2026-11-03 09:30'"   pretend that it is this time (UTC)
--
-- Needs SQLite 3.40. Days are in local time. Afterwards the shell has .mode list
-- and .headers off.
.mode list
.headers off

WITH RECURSIVE
  input(now, n_days) AS (
    SELECT coalesce(
      CASE typeof(:now) WHEN 'integer' THEN :now / 1000000 END,
      CAST(strftime('%s', :now) AS INTEGER),
      CAST(strftime('%s', 'now') AS INTEGER)),
      min(366, max(1, coalesce(CAST(:days AS INTEGER), 7)))),
  -- Midnight before the first day and after the last one, in seconds.
  span(today, start, stop) AS (
    SELECT date(now, 'unixepoch', 'localtime'),
      CAST(strftime('%s', date(now, 'unixepoch', 'localtime'),
        (1 - n_days) || ' days', 'utc') AS INTEGER),
      CAST(strftime('%s', date(now, 'unixepoch', 'localtime'),
        '1 day', 'utc') AS INTEGER)
    FROM input),
  -- Count quarters of an hour first: a day begins at one in every time zone.
  quarter(device, quarter, n) AS (
    SELECT device, ts / 900000000, count(*)
    FROM kv_log
    WHERE ts >= (SELECT start * 1000000 FROM span)
      AND ts < (SELECT stop * 1000000 FROM span)
    GROUP BY 1, 2),
  total(device, n, place) AS (
    SELECT device, sum(n), row_number() OVER (ORDER BY sum(n) DESC, device)
    FROM quarter GROUP BY device),
  -- The busiest devices by name, the others together.
  named(device, name, place) AS (
    SELECT device, CASE WHEN place > 7 AND n_all > 8 THEN 'others'
        WHEN length(device) > 20 THEN substr(device, 1, 19) || '…'
        ELSE device END,
      CASE WHEN n_all > 8 THEN min(place, 8) ELSE place END
    FROM total, (SELECT count(*) AS n_all FROM total)),
  activity(day, name, place, n) AS (
    SELECT date(quarter * 900, 'unixepoch', 'localtime') AS day, name, place,
      sum(n)
    FROM quarter JOIN named USING(device) GROUP BY day, place),
  day(day) AS (
    SELECT min(day) FROM activity
    UNION ALL
    SELECT date(day, '1 day') FROM day, span WHERE day < today),
  row(day, place, name, n) AS (
    SELECT day, coalesce(place, 0), coalesce(name, ''), coalesce(n, 0)
    FROM day LEFT JOIN activity USING(day)
    WHERE day IS NOT NULL
    UNION ALL
    SELECT '9', place, name, sum(n) FROM activity GROUP BY place),
  -- The days have one scale, the sums at the end another one.
  bar(day, place, name, n, eighths, name_width, n_width) AS (
    SELECT day, place, name, n,
      max(n > 0, CAST(round(n * 400.0 /
        max(1, max(n) OVER (PARTITION BY day = '9'))) AS INTEGER)),
      max(length(name)) OVER (), length(printf('%,d', max(n) OVER ()))
    FROM row),
  line(day, place, text) AS (
    SELECT day, place,
      CASE WHEN day > lag(day, 1, '') OVER (ORDER BY day, place)
          AND day = '9' THEN char(10) ELSE '' END ||
      printf('%!-12s', CASE
        WHEN day = lag(day) OVER (ORDER BY day, place) THEN ''
        WHEN day = '9' THEN 'together'
        WHEN day = today THEN 'today'
        WHEN day = date(today, '-1 day') THEN 'yesterday'
        ELSE substr('SunMonTueWedThuFriSat', 1 + 3 * strftime('%w', day), 3) ||
          printf(' %2d ', strftime('%d', day)) ||
          substr('JanFebMarAprMayJunJulAugSepOctNovDec',
            3 * strftime('%m', day) - 2, 3) END) ||
      CASE n WHEN 0 THEN printf('%!*s', -name_width, '–')
        ELSE printf('%!*s  %,*d  ', -name_width, name, n_width, n) ||
          replace(printf('%*s', eighths / 8, ''), ' ', '█') ||
          substr('▏▎▍▌▋▊▉', eighths % 8, eighths % 8 > 0) END
    FROM bar, span),
  later(n) AS (
    SELECT count(*) FROM kv_log WHERE ts >= (SELECT stop * 1000000 FROM span))
SELECT rtrim(text) FROM (
  SELECT '' AS day, 0 AS place, CASE
    WHEN EXISTS(SELECT 1 FROM total) THEN
      printf('%,d change%s', sum(n), CASE sum(n) WHEN 1 THEN '' ELSE 's' END) ||
      CASE (SELECT count(*) FROM total) WHEN 1 THEN ' by one device'
        ELSE printf(' by %d devices', (SELECT count(*) FROM total)) END ||
      CASE n_days WHEN 1 THEN ' today'
        ELSE printf(' in the last %d days', n_days) END || char(10)
    WHEN EXISTS(SELECT 1 FROM kv_log) THEN
      CASE n_days WHEN 1 THEN 'No change today.'
        ELSE printf('No change in the last %d days.', n_days) END
    ELSE 'Nothing was ever written here: the history is empty.' END AS text
  FROM input LEFT JOIN total ON 1
  UNION ALL
  SELECT day, place, text FROM line
  UNION ALL
  SELECT '99', 0, char(10) || printf('%,d more %s dated after today: a clock is'
    || ' ahead.', n, CASE n WHEN 1 THEN 'is' ELSE 'are' END)
  FROM later WHERE n > 0
  UNION ALL
  SELECT '999', 0, '')
ORDER BY day, place;
