-- The later write wins in time, whatever its value, its device or the order
-- in which it arrives. A clock that is far ahead neither sticks nor spreads.
.load ./kv
.mode list
SELECT kv_open('w.kv', 'laptop', 'now=2026-11-01 10:00');
SELECT kv_open('w.kv', 'phone', 'name=phone, now=2026-11-01 10:00');

.print == the later value wins, not the larger one
INSERT INTO kv VALUES('a', 9);
SELECT kv_open('w.kv', 'phone', 'name=phone, now=2026-11-01 10:01');
INSERT INTO phone VALUES('a', 1);
SELECT kv_sync(), kv_sync('phone');
SELECT 'laptop', value, device, time FROM kv WHERE key = 'a'
UNION ALL SELECT 'phone', value, device, time FROM phone WHERE key = 'a';

.print == a value that was written earlier loses, even if it arrives later
SELECT kv_open('w.kv', 'tablet', 'name=tablet, now=2026-11-01 09:00');
INSERT INTO tablet VALUES('late', 1);
SELECT kv_open('w.kv', 'laptop', 'now=2026-11-01 10:02');
INSERT INTO kv VALUES('b', 'at 10:02');
SELECT kv_open('w2.kv', 'old', 'name=old, now=2026-11-01 09:00');
INSERT INTO old VALUES('b', 'at 09:00');
.shell cp -R w2.kv/devices/old w.kv/devices/old
SELECT kv_sync(), kv_sync('phone');
SELECT value FROM kv WHERE key = 'b';
SELECT value FROM phone WHERE key = 'b';
SELECT value, device, time FROM kv_log WHERE key = 'b';

.print == at equal times, the greater device name wins on every device
SELECT kv_open('w.kv', 'laptop', 'now=2026-11-01 11:00');
SELECT kv_open('w.kv', 'phone', 'name=phone, now=2026-11-01 11:00');
INSERT INTO phone VALUES('c', 'by phone');
INSERT INTO kv VALUES('c', 'by laptop');
SELECT kv_sync(), kv_sync('phone');
SELECT value FROM kv WHERE key = 'c';
SELECT value FROM phone WHERE key = 'c';
SELECT count(DISTINCT ts) FROM kv_log WHERE key = 'c';

.print == a delete is a write
SELECT kv_open('w.kv', 'laptop', 'now=2026-11-01 12:00');
SELECT kv_open('w.kv', 'phone', 'name=phone, now=2026-11-01 12:01');
UPDATE kv SET value = 'changed' WHERE key = 'a';
DELETE FROM phone WHERE key = 'a';
UPDATE phone SET value = 'changed' WHERE key = 'b';
SELECT kv_open('w.kv', 'laptop', 'now=2026-11-01 12:02');
DELETE FROM kv WHERE key = 'b';
SELECT kv_sync(), kv_sync('phone');
SELECT count(*) FROM kv WHERE key IN ('a', 'b');
SELECT count(*) FROM phone WHERE key IN ('a', 'b');

.print == one transaction has one time, a later one a later time
SELECT kv_open('w.kv', 'laptop', 'now=2026-11-01 13:00');
INSERT INTO kv VALUES('d', 1), ('e', 2);
INSERT INTO kv VALUES('d', 3);
SELECT key, value, ts - 1793538000000000 FROM kv_log WHERE key IN ('d', 'e')
ORDER BY ts, key;

.print == if the clock is set back, later writes still win
SELECT kv_open('w.kv', 'laptop', 'now=2026-11-01 12:58');
INSERT INTO kv VALUES('d', 4);
SELECT value, ts - 1793538000000000 FROM kv WHERE key = 'd';

.print == a clock is ten years ahead: who saw its keys can overwrite them
SELECT kv_open('w.kv', 'mad', 'name=mad, now=2036-11-01');
INSERT INTO mad VALUES('f', 'mad'), ('g', 'mad');
SELECT kv_sync();
UPDATE kv SET value = 'sane' WHERE key = 'f';
INSERT INTO kv VALUES('h', 'sane');
SELECT key, value, device, time FROM kv WHERE key IN ('f', 'g', 'h');
SELECT kv_sync('mad'), kv_sync('phone');
SELECT key, value, device FROM mad WHERE key IN ('f', 'g', 'h');
SELECT key, value, device FROM phone WHERE key IN ('f', 'g', 'h');
.print == its times do not spread to other keys or devices
INSERT INTO phone VALUES('i', 1);
SELECT substr(max(time), 1, 10) FROM phone WHERE key IN ('h', 'i');
SELECT clock_offset_ms / 1000 / 86400 AS days_ahead FROM kv_devices('phone')
WHERE device = 'mad';
.print == once its clock is set right, it is like any other
SELECT kv_open('w.kv', 'mad', 'name=mad, now=2026-11-01 14:00');
INSERT INTO mad VALUES('j', 'right');
SELECT time FROM mad WHERE key = 'j';
UPDATE mad SET value = 'changed' WHERE key = 'g';
SELECT time, value FROM mad WHERE key = 'g';

.print == a writer wins over what it saw, however slow its clock is
SELECT kv_open('w.kv', 'slow', 'name=slow, now=2020-01-01');
UPDATE slow SET value = 'slow' WHERE key = 'd';
SELECT kv_sync();
SELECT value, device FROM kv WHERE key = 'd';

.print == all devices end with the same values
SELECT kv_sync('phone'), kv_sync('mad'), kv_sync('slow');
SELECT kv_sync(), kv_sync('phone'), kv_sync('mad'), kv_sync('slow');
SELECT count(*) FROM (
  SELECT key, value, ts, device FROM kv
  EXCEPT SELECT key, value, ts, device FROM phone
  UNION SELECT key, value, ts, device FROM phone
  EXCEPT SELECT key, value, ts, device FROM kv
  UNION SELECT key, value, ts, device FROM mad
  EXCEPT SELECT key, value, ts, device FROM kv
  UNION SELECT key, value, ts, device FROM slow
  EXCEPT SELECT key, value, ts, device FROM kv);
SELECT (SELECT count(*) FROM kv_log) = (SELECT count(*) FROM kv_log('slow')),
  (SELECT count(*) FROM kv_log) = (SELECT count(*) FROM kv_log('phone'));
