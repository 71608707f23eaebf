-- A kv table in a database file is there at once when the file is opened
-- again, and survives what is done to the database.
.mode list
.shell mkdir dir other
.open dir/host.db
.load ./kv

.print == a relative path starts at the database's folder
CREATE VIRTUAL TABLE kv USING kv('notes.kv', device='laptop', now='2026-11-01');
INSERT INTO kv VALUES('a', 1), ('b', 2);
DELETE FROM kv WHERE key = 'b';
.shell find . -name log.db

.print == it opens from another place, and without the folder
.shell mv dir/notes.kv away && mv dir/host.db other/host.db
.open other/host.db
.load ./kv
SELECT key, value, time FROM kv;
SELECT key, value, op FROM kv_log;
SELECT key, value FROM kv('2026-11-02');
SELECT kv_get('a');
.shell mv away other/notes.kv
SELECT kv_sync();

.print == functions and tables connect the store when they need it
.open other/host.db
.load ./kv
SELECT kv_get('a');
.open other/host.db
.load ./kv
SELECT count(*) FROM kv_log;
.open other/host.db
.load ./kv
SELECT device, state, unpublished FROM kv_devices;

.print == host tables and kv commit and roll back together
CREATE TABLE t(x);
BEGIN;
INSERT INTO t VALUES(1);
INSERT INTO kv VALUES('t', 1);
ROLLBACK;
BEGIN;
INSERT INTO t VALUES(2);
INSERT INTO kv VALUES('t', 2);
COMMIT;
SELECT x, value FROM t, kv WHERE key = 't';

.print == triggers and saved views work
CREATE TRIGGER t_insert AFTER INSERT ON t
BEGIN
  INSERT INTO kv VALUES('last x', new.x);
END;
INSERT INTO t VALUES(3);
CREATE VIEW now AS SELECT key, value FROM kv WHERE key GLOB 'l*';
CREATE VIEW story AS SELECT key, value, op FROM kv_log WHERE key = 'last x';
INSERT INTO t VALUES(4);
SELECT * FROM now;
SELECT * FROM story;

.print == ALTER TABLE RENAME renames the store
ALTER TABLE kv RENAME TO notes;
INSERT INTO notes VALUES('renamed', 1);
SELECT key, value FROM notes;
SELECT count(*) FROM kv_log('notes');
SELECT kv_get('renamed', 0, 'notes');
SELECT kv_sync('notes');
SELECT name FROM sqlite_master WHERE type = 'table' AND (name GLOB '*kv_*' OR name GLOB 'notes*')
ORDER BY name;
DROP VIEW now;
DROP VIEW story;
DROP TRIGGER t_insert;

.print == ROLLBACK takes the rename back
BEGIN;
ALTER TABLE notes RENAME TO gone;
INSERT INTO gone VALUES('gone', 1);
ROLLBACK;
INSERT INTO notes VALUES('still here', 1);
SELECT key, value FROM notes;
SELECT kv_sync('notes');
SELECT count(*) FROM kv_foreign('other/notes.kv/devices/laptop/log.db')
WHERE key = 'gone';
.print == a renamed store can be written in the same transaction
BEGIN;
INSERT INTO notes VALUES('before', 1);
ALTER TABLE notes RENAME TO kv;
INSERT INTO kv VALUES('after', 1);
COMMIT;
SELECT key, txn FROM kv_log WHERE key IN ('before', 'after');
SELECT key, txn FROM kv_foreign('other/notes.kv/devices/laptop/log.db')
WHERE key IN ('before', 'after');

.print == VACUUM keeps it
VACUUM;
INSERT INTO kv VALUES('vacuum', 1);
SELECT count(*) FROM kv;

.print == VACUUM INTO and .backup make copies that work
VACUUM INTO 'other/vacuum.db';
.backup other/backup.db
INSERT INTO kv VALUES('later', 1);
.open other/vacuum.db
.load ./kv
SELECT count(*), sum(key = 'later') FROM kv;
SELECT kv_sync();
SELECT count(*), sum(key = 'later') FROM kv;
.open other/backup.db
.load ./kv
SELECT count(*), sum(key = 'later') FROM kv;
INSERT INTO kv VALUES('by the backup', 1);
SELECT count(*), sum(key = 'later') FROM kv;
.open other/host.db
.load ./kv
SELECT kv_sync();
SELECT key, seq FROM kv_log WHERE key IN ('later', 'by the backup');
PRAGMA integrity_check;

.print == it works in WAL mode
PRAGMA journal_mode = WAL;
INSERT INTO kv VALUES('wal', 1);
SELECT value FROM kv WHERE key = 'wal';
PRAGMA journal_mode = DELETE;

.print == one database can hold two stores
CREATE VIRTUAL TABLE phone USING kv('notes.kv', device='phone');
SELECT kv_sync('phone') = (SELECT count(*) FROM kv_log);
INSERT INTO phone SELECT 'from phone', 1;
SELECT kv_sync();
SELECT key, device FROM kv WHERE key = 'from phone';

.print == DROP TABLE removes the cache, not the folder
DROP TABLE phone;
SELECT quote(kv_close());
DROP TABLE kv;
SELECT name FROM sqlite_master;
.shell ls other/notes.kv/devices/*
CREATE VIRTUAL TABLE kv USING kv('notes.kv', device='laptop');
SELECT kv_sync() > 0;
SELECT key, value FROM kv;
