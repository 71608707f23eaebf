.load ./kv
SELECT kv_open(':memory:', 'laptop', 'now=2026-11-20 10:00:00');
INSERT INTO kv VALUES('a', 1), ('b', 2);

.print == a scan does not meet the keys that it writes
SELECT kv_set('z' || key, value) FROM kv;
SELECT key FROM kv;

.print == nor in a transaction, after other writes
BEGIN;
INSERT INTO kv VALUES('c', 3);
SELECT kv_set('y' || key, value) FROM kv ORDER BY key;
COMMIT;
SELECT key FROM kv;

.print == nor in descending order
SELECT kv_set('0' || key, value) FROM kv WHERE key < 'd' ORDER BY key DESC;

.print == a scan of the history does not, either
INSERT INTO kv SELECT 'w' || key, value FROM kv_log;
SELECT count(*) FROM kv;
SELECT kv_set('v' || key, 1) FROM kv_log WHERE key = 'a';
SELECT count(*) FROM kv_log;

.print == a key that is set during the scan is still met
SELECT key, kv_set('b', 'new') FROM kv WHERE key IN ('a', 'b', 'c');
SELECT value FROM kv WHERE key = 'b';
