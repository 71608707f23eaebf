-- Two devices write to one folder; after kv_sync() both see everything.
.load ./kv
.mode list
.headers on

.print == the laptop writes; its rows are in the folder when it commits
SELECT kv_open('notes.kv', 'laptop', 'now=2026-11-01 10:00') AS device;
INSERT INTO kv VALUES('title', 'Hello'), ('stars', 5);

.print == the phone opens the folder and sees them
SELECT kv_open('notes.kv', 'phone', 'name=phone, now=2026-11-01 11:00')
  AS device;
SELECT key, value, device, time FROM phone ORDER BY key;

.print == the phone changes one, deletes one, adds one
UPDATE phone SET value = value + 1 WHERE key = 'stars';
DELETE FROM phone WHERE key = 'title';
INSERT INTO phone VALUES('photo', x'ffd8');

.print == the laptop does not see that before it syncs
SELECT key, value FROM kv ORDER BY key;
SELECT kv_sync() AS merged;
SELECT key, quote(value), device, time FROM kv ORDER BY key;

.print == there is nothing more to merge
SELECT kv_sync() AS merged, kv_sync('phone') AS merged_by_phone;

.print == both show the same history
SELECT count(*) AS differences FROM (
  SELECT * FROM kv_log('kv') EXCEPT SELECT * FROM kv_log('phone')
  UNION ALL
  SELECT * FROM kv_log('phone') EXCEPT SELECT * FROM kv_log('kv'));
SELECT key, quote(value) AS value, op, time, device, seq, txn, parent_ts
FROM kv_log ORDER BY ts, key;

.print == each device knows what the other merged
SELECT kv_open('notes.kv', 'laptop', 'now=2026-11-01 12:00') AS device;
INSERT INTO kv VALUES('last', 1);
SELECT kv_sync('phone') AS merged_by_phone;
SELECT device, state, is_self, n_rows, last_seq, last_time, unpublished,
  acked_seq
FROM kv_devices('phone');

.print == a log of its own for each device, readable by stock SQLite
.shell ls -RA notes.kv
.shell $SQLITE notes.kv/devices/phone/log.db "SELECT seq, op, key FROM log WHERE op < 2"
