-- kv_conflicts: values that were overwritten by a writer who had not seen
-- them. Three devices share a folder here, so that each syncs when it is told.
.load ./kv
.mode list
SELECT kv_open('a.kv', 'laptop', 'now=2026-11-03 09:00');
SELECT kv_open('a.kv', 'phone', 'now=2026-11-03 09:05, name=phone');
SELECT kv_open('a.kv', 'desk', 'now=2026-11-03 09:10, name=desk');
.headers on

.print == two devices write a key without having seen each other
INSERT INTO kv VALUES('title', 'from laptop'), ('same', 1), ('gone', 'laptop'), ('own', 1);
INSERT INTO phone VALUES('title', 'from phone'), ('same', 1), ('gone', 'phone');
INSERT INTO desk VALUES('title', 'from desk');
DELETE FROM phone WHERE key = 'gone';
UPDATE kv SET value = 2 WHERE key = 'own';
SELECT key, value, device, lost_value, lost_device FROM kv_conflicts;
SELECT kv_sync() AS merged;
SELECT key, value, device, lost_value, lost_device, op FROM kv_conflicts;
.print == the times of both values are shown
SELECT time, lost_time, ts - lost_ts AS microseconds FROM kv_conflicts WHERE lost_device = 'laptop';
.print == every device that has merged them lists the same
SELECT kv_sync('phone') AS merged;
SELECT count(*) FROM (SELECT key, lost_value FROM kv_conflicts('phone')
  EXCEPT SELECT key, lost_value FROM kv_conflicts);

.print == a writer who saw both values settles the conflict
INSERT INTO kv SELECT key, lost_value FROM kv_conflicts WHERE lost_value = 'from laptop';
SELECT kv_set('gone', 'kept');
SELECT key, lost_value FROM kv_conflicts;
SELECT key, value FROM kv;
.print == it is then settled on every device
SELECT kv_sync('phone') AS merged, (SELECT count(*) FROM kv_conflicts('phone')) AS conflicts;
.print == a writer who saw only one of two conflicts settles that one
INSERT INTO phone VALUES('pair', 'phone');
SELECT kv_sync('desk') > 0 AS merged;
INSERT INTO kv VALUES('pair', 'laptop');
INSERT INTO desk VALUES('pair', 'desk');
SELECT kv_sync() > 0 AS merged;
SELECT key, value, lost_value, lost_device FROM kv_conflicts;
