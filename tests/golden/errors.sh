#!/bin/sh
# Every error that SQL can provoke says what is wrong and what to do.
play() { # shows no path of this machine, and no line number
  $SQLITE "${1-:memory:}" 2>&1 | sed "s|$(pwd -P)/||g; s/ near line [0-9]*:/:/"
}

play <<'END'
.load ./kv
.print == names that cannot be those of devices
SELECT kv_open('n.kv', '');
SELECT kv_open('n.kv', 'a b');
SELECT kv_open('n.kv', 'a/b');
SELECT kv_open('n.kv', '../evil');
SELECT kv_open('n.kv', 'café');
SELECT kv_open('n.kv', '.hidden');
SELECT kv_open('n.kv', 'dot.');
SELECT kv_open('n.kv', 'nul.txt');
SELECT kv_open('n.kv', 'COM1');
SELECT kv_open('n.kv',
  '12345678901234567890123456789012345678901234567890123456789012345');
CREATE VIRTUAL TABLE temp.kv USING kv('n.kv', device='a b');
.shell ls

.print == folders that cannot be
SELECT kv_open(NULL);
SELECT kv_open(NULL, 'laptop');
SELECT kv_open('');
SELECT kv_open('a/b/c.kv', 'laptop');
SELECT kv_open('kv.so', 'laptop');
SELECT kv_open(printf('%.500c', 'n'), 'laptop');
SELECT kv_open(printf('%.500c', 'n'));
SELECT kv_open('n' || char(0) || '.kv', 'laptop');
SELECT kv_open('n.kv', 'lap' || char(0) || 'top');
SELECT kv_open('n.kv', 'laptop', 'now=2026' || char(0));
SELECT * FROM kv_foreign('n.kv' || char(0) || '/devices/phone/log.db');
SELECT kv_open('absent.kv');
SELECT kv_open('kv.so');
CREATE VIRTUAL TABLE temp.kv USING kv;
CREATE VIRTUAL TABLE temp.kv USING kv('');
CREATE VIRTUAL TABLE temp.kv USING kv('a/b/c.kv', device='laptop');

.print == an own log that is only in the cloud
.shell mkdir -p cloud.kv/devices/laptop && echo bplist > cloud.kv/devices/laptop/.log.db.icloud
SELECT kv_open('cloud.kv', 'laptop');
.shell rm -r cloud.kv

.print == options that do not exist or have wrong values
SELECT kv_open('n.kv', 'laptop', 'color=red');
SELECT kv_open('n.kv', 'laptop', 'now');
SELECT kv_open('n.kv', 'laptop', 'now=yesterday');
SELECT kv_open('n.kv', 'laptop', 'now=1793491200');
SELECT kv_open('n.kv', 'laptop', 'now=');
SELECT kv_open('n.kv', 'laptop', 'adopt=yes');
SELECT kv_open('n.kv', 'laptop', 'device=phone');
CREATE VIRTUAL TABLE temp.kv USING kv('n.kv', name='other');
CREATE VIRTUAL TABLE temp.kv USING kv('n.kv', 'laptop');
SELECT kv_close('color=red', 'kv');
SELECT name FROM temp.sqlite_master;
.shell ls

.print == no store of that name
SELECT * FROM kv;
SELECT kv_sync();
SELECT kv_get('a');
SELECT kv_set('a', 1);
SELECT kv_delete('a');
SELECT kv_close();
SELECT kv_sync('notes');
SELECT * FROM kv_log;
SELECT * FROM kv_log('notes');
SELECT * FROM kv_devices('notes');
CREATE TABLE plain(key, value);
SELECT kv_get('a', 0, 'plain');

.print == a store name that is taken
CREATE TABLE kv(x);
SELECT kv_open('n.kv', 'laptop');
CREATE VIEW taken AS SELECT 1;
SELECT kv_open('n.kv', 'laptop', 'name=taken');
DROP TABLE kv;
SELECT kv_open('n.kv', 'laptop', 'now=2026-11-01');
SELECT kv_open('n.kv', 'phone');
SELECT kv_open('other.kv', 'laptop');
SELECT kv_open('n.kv');

.print == a second table of one store
SELECT kv_open('n.kv', 'laptop', 'name=again');
CREATE VIRTUAL TABLE temp.again USING kv('n.kv', device='laptop');
SELECT kv_open('n.kv/', 'laptop', 'name=again');
SELECT name FROM temp.sqlite_master WHERE sql LIKE '%VIRTUAL%';

.print == a device name that differs only in case
INSERT INTO kv VALUES('a', 1);
SELECT kv_open('n.kv', 'Laptop', 'name=other');
.shell ls n.kv/devices

.print == writes that are refused
INSERT INTO kv VALUES(NULL, 1);
SELECT kv_set(NULL, 1);
INSERT INTO kv(key, value, ts) VALUES('b', 1, 2);
UPDATE kv SET device = 'phone';
UPDATE kv SET value = 2 WHERE as_of = '2026-11-02';
INSERT INTO kv_log(key) VALUES('a');
DELETE FROM kv_devices;
UPDATE kv_foreign SET value = 1;
SELECT key, value FROM kv;

.print == kv_sync() inside a statement that writes
CREATE TABLE t(x);
INSERT INTO t SELECT kv_sync();
SELECT count(*) FROM t;

.print == texts and numbers that are not times
SELECT * FROM kv('soon');
SELECT * FROM kv(1793491200);
SELECT * FROM kv('2026-02-29');

.print == files that are not logs
SELECT * FROM kv_foreign;
SELECT * FROM kv_foreign(NULL);
SELECT * FROM kv_foreign('absent.db');
SELECT * FROM kv_foreign('n.kv');
SELECT count(*) FROM kv_foreign('kv.so');
CREATE VIRTUAL TABLE temp.f USING kv_foreign('a', 'b');
CREATE VIRTUAL TABLE temp.f USING kv_foreign('absent.db');
SELECT * FROM f;

.print == two stores of one name
CREATE VIRTUAL TABLE main.kv USING kv('two.kv', device='laptop');
SELECT kv_sync();
SELECT kv_sync('main.kv'), kv_sync('temp.kv');
INSERT INTO main.kv VALUES('a', 2);
UPDATE main.kv_meta SET id = 1;
INSERT INTO main.kv VALUES('a', 3);
SELECT kv_sync('main.kv');
DROP TABLE main.kv;
SELECT kv_sync();

.print == kv_sync() is refused in a transaction that has written
BEGIN;
SELECT kv_sync();
INSERT INTO kv VALUES('b', 1);
SELECT kv_sync();
ROLLBACK;
SELECT kv_sync();

.print == a table with unpublished rows is not dropped
BEGIN;
INSERT INTO kv VALUES('b', 1);
DROP TABLE kv;
ROLLBACK;
SELECT key FROM kv;
END

echo "== the end of time"
play <<'END'
.load ./kv
SELECT kv_open('end.kv', 'laptop', 'now=9007199254740992');
INSERT INTO kv VALUES('last', 1);
INSERT INTO kv VALUES('last', 2);
INSERT INTO kv VALUES('other', 2);
SELECT key, value FROM kv;
END

echo "== a connection that is not fit"
play <<'END'
.limit sql_length 18
.load ./kv
.limit sql_length 1000000
.load ./kv
.limit expr_depth 20
SELECT kv_open('fit.kv', 'laptop');
.limit expr_depth 1000
SELECT kv_open('fit.kv', 'laptop');
END

echo "== a cache that another program changed"
play host.db <<'END'
.load ./kv
CREATE VIRTUAL TABLE kv_log USING kv('cache.kv', device='laptop');
CREATE VIRTUAL TABLE kv USING kv('cache.kv', device='laptop');
ALTER TABLE kv RENAME TO kv_diff;
INSERT INTO kv VALUES('a', 1);
DROP TABLE kv_seen;
SELECT kv_sync();
SELECT key, value FROM kv;
.shell mv cache.kv away.kv
INSERT INTO kv VALUES('waits', 1);
.shell mv away.kv cache.kv
DROP TABLE kv_cursor;
SELECT kv_sync();
DROP TABLE kv;
UPDATE kv_meta SET format = 99;
END
play host.db <<'END'
.load ./kv
SELECT key, value FROM kv;
SELECT kv_sync();
INSERT INTO kv VALUES('b', 1);
DROP TABLE kv;
END
