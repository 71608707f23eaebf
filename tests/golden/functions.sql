-- The functions: kv_open, kv_sync, kv_get, kv_set, kv_delete, kv_close,
-- kv_version.
.load ./kv
.mode list
SELECT kv_version() GLOB '[0-9]*.[0-9]*.[0-9]*';

.print == kv_open returns the device, and NULL for an observer
SELECT kv_open('f.kv', 'laptop', 'now=2026-11-01');
SELECT quote(kv_open('f.kv', NULL, 'name=eyes'));
SELECT kv_open('g.kv', 'phone', 'name = "second store" , now= ''2026-11-01''');
SELECT name FROM temp.sqlite_master WHERE sql LIKE '%VIRTUAL%';
.print == opening the same path and device again does nothing
SELECT kv_open('f.kv', 'laptop');
SELECT kv_open('./f.kv/', 'laptop', 'now=2026-11-01');

.print == kv_set returns the value
SELECT kv_set('a', 1), kv_set('a', 2.5), kv_set('n', NULL), kv_set(7, 'seven');
SELECT quote(kv_set('blob', x'00'));
SELECT key, quote(value) FROM kv;

.print == kv_get returns the value, or the default if the key is absent
SELECT kv_get('a'), kv_get(7), kv_get(7.0), quote(kv_get('7'));
SELECT quote(kv_get('n')), quote(kv_get('n', 'default'));
SELECT quote(kv_get('absent')), kv_get('absent', 'default');
SELECT quote(kv_get('blob')), quote(kv_get(NULL)), kv_get(NULL, 'default');
SELECT kv_get('a', 0, 'eyes');
SELECT kv_sync('eyes');
SELECT kv_get('a', 0, 'eyes');

.print == kv_delete returns 1 if the key was there
SELECT kv_delete('a'), kv_delete('a'), kv_delete('absent'), kv_delete(7.0);
SELECT quote(kv_get('a')), kv_get('a', 'default');

.print == functions write as a part of the transaction and the statement
BEGIN;
SELECT kv_set('b', 1), kv_set('c', 2);
SELECT kv_get('b');
ROLLBACK;
SELECT quote(kv_get('b'));
CREATE TABLE t(x CHECK(x < 3));
INSERT INTO t SELECT kv_set('in t ' || value, value)
FROM (SELECT 1 AS value UNION ALL SELECT 2);
SELECT key, value FROM kv WHERE key GLOB 'in t*';
SELECT count(kv_set('many ' || x, x)) FROM t;
SELECT key FROM kv WHERE key GLOB 'many*';

.print == kv_set works in a trigger
CREATE TEMP TRIGGER t_insert AFTER INSERT ON t BEGIN
  SELECT kv_set('trigger', new.x);
END;
INSERT INTO t VALUES(1);
INSERT INTO t VALUES(5);
SELECT kv_get('trigger');

.print == functions that open files are refused in views and triggers
CREATE VIEW v AS SELECT kv_sync();
SELECT * FROM v;

.print == kv_sync returns how many rows it merged
SELECT kv_sync(), kv_sync(), kv_sync('eyes') > 0, kv_sync('eyes');

.print == a closed store is gone, and can be opened again
SELECT quote(kv_close('eyes')), quote(kv_close('second store'));
SELECT quote(kv_close());
SELECT kv_get('n');
SELECT * FROM kv;
SELECT kv_open('f.kv', 'laptop', 'now=2026-11-02');
SELECT key, quote(value) FROM kv;
SELECT kv_get('in t 2');

.print == options of kv_close come before the name
SELECT quote(kv_close('discard=0', 'kv'));
SELECT name FROM temp.sqlite_master WHERE sql LIKE '%VIRTUAL%';

.print == loading the module twice does nothing
.load ./kv
SELECT kv_open('f.kv', 'laptop', 'now=2026-11-02');
.load ./kv
SELECT count(*) FROM kv;
