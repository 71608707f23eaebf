-- kv keeps the constraints of a table: keys are unique and not NULL, and what
-- a statement does about a conflict is what SQLite does.
.load ./kv
.mode list
SELECT kv_open('c.kv', 'laptop', 'now=2026-11-01');
INSERT INTO kv VALUES('a', 1), ('b', 2);

.print == a key is NOT NULL
INSERT INTO kv VALUES(NULL, 1);
INSERT INTO kv(value) VALUES(1);
INSERT INTO kv VALUES('x', 1), (NULL, 2), ('y', 3);
UPDATE kv SET key = NULL WHERE key = 'a';
SELECT key, value FROM kv ORDER BY key;

.print == UPDATE onto a key that exists fails: keys are UNIQUE
UPDATE kv SET key = 'b' WHERE key = 'a';
UPDATE OR FAIL kv SET key = 'b' WHERE key = 'a';
UPDATE kv SET key = 'same' ;
SELECT key, value FROM kv ORDER BY key;
.print == UPDATE OR IGNORE keeps that key, UPDATE OR REPLACE replaces it
UPDATE OR IGNORE kv SET key = 'b' WHERE key = 'a';
SELECT key, value FROM kv ORDER BY key;
UPDATE OR REPLACE kv SET key = 'b', value = value + 10 WHERE key = 'a';
SELECT key, value FROM kv ORDER BY key;
SELECT key, value, op FROM kv_log ORDER BY key, seq;

.print == UPDATE onto a key that is free or was deleted moves the row
UPDATE kv SET key = 'c' WHERE key = 'b';
UPDATE kv SET key = 'b' WHERE key = 'c';
SELECT key, value FROM kv ORDER BY key;

.print == INSERT OR IGNORE sets only what is absent
INSERT OR IGNORE INTO kv VALUES('b', 'ignored'), ('d', 'set');
INSERT OR IGNORE INTO kv VALUES('a', 'set again');
SELECT key, value FROM kv ORDER BY key;
.print == INSERT OR REPLACE and INSERT OR ABORT, the default, set a key
INSERT OR REPLACE INTO kv VALUES('b', 'replace');
REPLACE INTO kv VALUES('d', 'replace');
INSERT OR ABORT INTO kv VALUES('b', 'abort');
.print == INSERT OR ROLLBACK and INSERT OR FAIL fail if the key exists
INSERT OR ROLLBACK INTO kv VALUES('b', 'rollback');
INSERT OR FAIL INTO kv VALUES('b', 'fail');
SELECT key, value FROM kv ORDER BY key;

.print == RETURNING shows what was written
INSERT INTO kv VALUES('e', 5), ('f', 6) RETURNING key, value;
UPDATE kv SET value = value + 1 WHERE key IN ('e', 'f') RETURNING key, value;
DELETE FROM kv WHERE key IN ('e', 'f') RETURNING key, value;

.print == changes() and total_changes() count rows of kv
INSERT INTO kv VALUES('g', 1), ('h', 2);
SELECT changes();
DELETE FROM kv WHERE key = 'nothing';
SELECT changes();

.print == hidden columns are read, not written
INSERT INTO kv(key, value, ts) VALUES('i', 1, 5);
INSERT INTO kv(key, value, time) VALUES('i', 1, '2026-11-01');
INSERT INTO kv(key, value, device) VALUES('i', 1, 'phone');
INSERT INTO kv(key, value, parent_ts) VALUES('i', 1, 5);
INSERT INTO kv(key, value, as_of) VALUES('i', 1, '2026-11-01');
UPDATE kv SET ts = 5 WHERE key = 'a';
UPDATE kv SET time = '2026-11-02' WHERE key = 'a';
UPDATE kv SET device = 'phone' WHERE key = 'a';
UPDATE kv SET parent_ts = 5 WHERE key = 'a';
UPDATE kv SET value = 'past' WHERE as_of = '2026-11-02' AND key = 'a';
SELECT count(*) FROM kv WHERE key = 'i' OR value = 'past';
.print == SELECT * does not show them
.headers on
SELECT * FROM kv WHERE key = 'a';
.headers off

.print == DELETE removes some rows, or all
DELETE FROM kv WHERE key > 'a' AND key < 'd';
SELECT key FROM kv ORDER BY key;
DELETE FROM kv;
SELECT count(*) FROM kv;
SELECT op, count(*) FROM kv_log GROUP BY op;

.print == the log holds what was committed, and verifies
SELECT count(*), min(valid) FROM kv_foreign('c.kv/devices/laptop/log.db');
SELECT count(*) FROM (
  SELECT key, value, op, seq FROM kv_foreign('c.kv/devices/laptop/log.db')
  EXCEPT SELECT key, value, op, seq FROM kv_log);
