-- An observer reads everything and writes nothing at all into the folder.
.load ./kv
.mode list

.print == an empty folder stays empty
.shell mkdir notes.kv
SELECT quote(kv_open('notes.kv'));
SELECT count(*) FROM kv;
SELECT kv_sync();
.shell find notes.kv

.print == it sees what devices write
SELECT kv_open('notes.kv', 'laptop', 'name=laptop, now=2026-11-01');
INSERT INTO laptop VALUES('a', 1), ('b', 2);
DELETE FROM laptop WHERE key = 'a';
SELECT kv_sync();
SELECT key, value, device FROM kv;
SELECT key, value FROM kv('2026-11-01 00:00:00.000');
SELECT count(*) FROM kv_log;
SELECT device, state, is_self, n_rows, last_seq, unpublished, quote(acked_seq)
FROM kv_devices;

.print == it cannot write
INSERT INTO kv VALUES('c', 3);
UPDATE kv SET value = 3;
DELETE FROM kv;
SELECT kv_set('c', 3);
SELECT kv_delete('b');
INSERT OR IGNORE INTO kv VALUES('c', 3);
BEGIN;
INSERT INTO kv VALUES('c', 3);
COMMIT;
SELECT key, value FROM kv;

.print == opening it again is harmless; closing it leaves nothing
SELECT quote(kv_open('notes.kv'));
SELECT quote(kv_close());
SELECT quote(kv_open('notes.kv', NULL));
SELECT quote(kv_close());
.shell ls -RA notes.kv

.print == an observer can have a persistent cache
ATTACH 'host.db' AS host;
CREATE VIRTUAL TABLE host.seen USING kv('notes.kv');
SELECT kv_sync('seen');
SELECT key, value FROM seen;
INSERT INTO seen VALUES('c', 3);
.shell ls -RA notes.kv
