-- The store that the reports are shown with: notes.kv, four devices in two
-- weeks, opened as kv by the laptop on 2026-11-03 at 09:30 UTC. To be read where
-- ./kv is. The four write in one folder but merge at different moments, as
-- devices do; when each edit is made, and of what, is arithmetic, not chance.
.load ./kv
.mode list
.headers off
.once demo_edits.sql
WITH RECURSIVE
  n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 40),
  -- Sessions of each day, Tuesday 2026-10-20 being the first.
  day(day, n_sessions) AS (
    SELECT key, value
    FROM json_each('[7, 9, 4, 11, 3, 0, 8, 12, 10, 6, 9, 2, 0, 13, 3]')),
  session(day, at, r) AS (
    SELECT day, day * 1440 + 440 + n * 780 / n_sessions + (n * n * 37) % 41,
      (day * 31 + n * 17 + n * n * 7) % 100
    FROM day JOIN n ON n < n_sessions),
  edits(at, device, r, n_edits) AS (
    SELECT at, CASE WHEN r < 48 THEN 'laptop' WHEN r < 80 OR day < 5 THEN 'phone'
      ELSE 'tablet' END, r, 1 + (r * r) % 7
    FROM session WHERE at < 14 * 1440 + 555
    UNION ALL
    SELECT day * 1440 + 180, 'server', 10 * day, 3 FROM day),
  line(at, r, step, text) AS (
    SELECT at, r, 0, printf(
      'SELECT kv_open(''notes.kv'', ''%s'', ''name=%s, now=%s'');', device,
      replace(device, 'laptop', 'kv'),
      datetime('2026-10-20', printf('%d minutes', at)))
    FROM edits
    UNION ALL
    SELECT at, r, 1, 'BEGIN;' FROM edits
    UNION ALL
    SELECT at, r, 99, 'COMMIT;' FROM edits
    UNION ALL
    SELECT at, r, 2 + n, CASE
      WHEN device = 'server' THEN printf(
        'INSERT INTO server VALUES(''backup/%s'', %d);',
        rtrim(substr('photosnotes mail  ', 1 + 6 * n, 6)), 1000 + at + n)
      WHEN (r + 3 * n) % 11 = 0 THEN printf(
        'DELETE FROM %s WHERE key GLOB ''note/%d*'';',
        replace(device, 'laptop', 'kv'), (r + n) % 24)
      ELSE printf('INSERT INTO %s VALUES(''note/%d'', ''%s %d'');',
        replace(device, 'laptop', 'kv'), (r * 5 + n * 7) % 24,
        rtrim(substr('milk  bread eggs  books call  write ',
          1 + 6 * ((r + n) % 6), 6)),
        (r + at) % 90) END
    FROM edits JOIN n ON n < n_edits)
SELECT text FROM line ORDER BY at, r, step;

.output /dev/null
.read demo_edits.sql

-- Three times two devices write without having seen each other; the phone settles
-- the second, so two conflicts stay.
SELECT kv_open('notes.kv', 'laptop', 'now=2026-10-28 12:00');
SELECT kv_open('notes.kv', 'phone', 'name=phone, now=2026-10-28 12:07');
INSERT INTO kv VALUES('title', 'Shopping'), ('color', 'green');
INSERT INTO phone VALUES('title', 'Shopping list');
SELECT kv_open('notes.kv', 'laptop', 'now=2026-10-31 20:10');
SELECT kv_open('notes.kv', 'tablet', 'name=tablet, now=2026-10-31 20:15');
INSERT INTO kv VALUES('plan', 'meet at seven');
INSERT INTO tablet VALUES('plan', 'meet at eight');
SELECT kv_open('notes.kv', 'phone', 'name=phone, now=2026-11-01 10:00');
UPDATE phone SET value = 'meet at half past seven' WHERE key = 'plan';
SELECT kv_open('notes.kv', 'laptop', 'now=2026-11-02 18:40');
SELECT kv_open('notes.kv', 'tablet', 'name=tablet, now=2026-11-02 18:52');
INSERT INTO tablet VALUES('<script>alert(1)</script>', '"quoted" & ''single''');
INSERT INTO kv VALUES('<script>alert(1)</script>', '<b>bold</b>');
DELETE FROM kv WHERE key = 'color';

-- The last half hour, and what else is in the folder.
SELECT kv_open('notes.kv', 'phone', 'name=phone, now=2026-11-03 09:02');
BEGIN;
WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 40)
INSERT INTO phone SELECT 'photo/' || n, zeroblob(100 * n) FROM i;
COMMIT;
SELECT kv_open('notes.kv', 'laptop', 'now=2026-11-03 09:27');
UPDATE kv SET value = 'Groceries' WHERE key = 'note/3';
INSERT INTO kv VALUES('note/8', 'flour'), ('color', 'blue');
.shell mkdir notes.kv/devices/desktop
.shell echo "no log" > notes.kv/devices/desktop/log.db
.shell echo copy > "notes.kv/devices/laptop/log (conflicted copy).db"
SELECT kv_open('notes.kv', 'laptop', 'now=2026-11-03 09:30');
.output
.parameter set :now "'2026-11-03 09:30'"
