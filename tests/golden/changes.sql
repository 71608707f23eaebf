-- kv_changes(cursor) and kv_cursor(): the keys that changed in this cache since
-- then, whoever changed them. (A cursor is a number; how great is no matter.)
.load ./kv
.mode list
CREATE TABLE seen(cursor);
SELECT kv_open('a.kv', 'laptop', 'now=2026-11-03 09:00');
SELECT kv_open('a.kv', 'phone', 'now=2026-11-03 09:05, name=phone');
.headers on

.print == an empty store has no changes
SELECT count(*) FROM kv_changes;
INSERT INTO seen SELECT kv_cursor();
.print == own writes are changes
INSERT INTO kv VALUES('title', 'Hello'), ('draft', 1);
UPDATE kv SET value = 2 WHERE key = 'draft';
SELECT op, key, value, time, device, is_reset FROM kv_changes((SELECT cursor FROM seen)) ORDER BY key;
UPDATE seen SET cursor = kv_cursor();
SELECT count(*) FROM kv_changes((SELECT cursor FROM seen));
.print == a sync brings changes, deletions too; a value that lost is none
SELECT kv_sync('phone');
INSERT INTO phone VALUES('color', 'green');
DELETE FROM phone WHERE key = 'draft';
SELECT kv_sync();
SELECT op, key, value, device FROM kv_changes((SELECT cursor FROM seen)) ORDER BY key;
.print == the greatest cursor that was read is as good as kv_cursor()
UPDATE seen SET cursor = (SELECT max(c.cursor) FROM seen, kv_changes(seen.cursor) AS c);
SELECT count(*) FROM kv_changes((SELECT cursor FROM seen));
.print == what is not committed is no change
BEGIN;
INSERT INTO kv VALUES('title', 'Hallo');
SELECT count(*) FROM kv_changes((SELECT cursor FROM seen));
SELECT kv_cursor() = cursor AS same FROM seen;
COMMIT;
SELECT op, key, value FROM kv_changes((SELECT cursor FROM seen));
.print == cursor 0 lists all keys, deleted ones too
SELECT op, key, value, is_reset FROM kv_changes(0) ORDER BY key;
.print == so does a cursor of a cache that is gone
UPDATE seen SET cursor = kv_cursor();
SELECT kv_close();
SELECT kv_open('a.kv', 'laptop', 'now=2026-11-03 09:10');
SELECT op, key, value, is_reset FROM kv_changes((SELECT cursor FROM seen)) ORDER BY key;

.print == a wrong cursor is refused
SELECT * FROM kv_changes(NULL);
SELECT * FROM kv_changes('yesterday');
SELECT * FROM kv_changes(0, 'other');
SELECT kv_cursor('other');
