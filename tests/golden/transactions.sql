-- What does not commit leaves no trace: not in kv, not in kv_log, not in the
-- log file, and so not on any other device.
.load ./kv
.mode list
SELECT kv_open('t.kv', 'laptop', 'now=2026-11-01');
CREATE TEMP VIEW file AS
  SELECT group_concat(op || ' ' || key, ', ') AS rows, min(valid) AS valid
  FROM (SELECT * FROM log_file ORDER BY seq);
CREATE TEMP VIEW history AS
  SELECT group_concat(op || ' ' || key, ', ') AS rows
  FROM (SELECT * FROM kv_log ORDER BY seq);
INSERT INTO kv VALUES('a', 1);
CREATE VIRTUAL TABLE temp.log_file
  USING kv_foreign('t.kv/devices/laptop/log.db');

.print == COMMIT publishes everything at once, and nothing is published before
BEGIN;
INSERT INTO kv VALUES('b', 2);
UPDATE kv SET value = 3 WHERE key = 'b';
INSERT INTO kv VALUES('c', 3);
SELECT key, value FROM kv;
SELECT * FROM file;
COMMIT;
SELECT * FROM file;
SELECT seq, txn, ts, key, value FROM log_file;

.print == ROLLBACK takes all of it back
BEGIN;
INSERT INTO kv VALUES('a', 'gone'), ('d', 'gone');
DELETE FROM kv WHERE key = 'b';
ROLLBACK;
SELECT key, value FROM kv;
SELECT * FROM history;
SELECT * FROM file;

.print == ROLLBACK TO works again and again, until RELEASE
BEGIN;
INSERT INTO kv VALUES('d', 1);
SAVEPOINT one;
INSERT INTO kv VALUES('e', 'gone');
SAVEPOINT two;
INSERT INTO kv VALUES('f', 'gone');
ROLLBACK TO two;
INSERT INTO kv VALUES('g', 'gone');
ROLLBACK TO one;
INSERT INTO kv VALUES('h', 2);
RELEASE one;
UPDATE kv SET value = 3 WHERE key = 'd';
COMMIT;
SELECT key, value FROM kv;
SELECT * FROM history;
SELECT * FROM file;

.print == ROLLBACK TO takes back what a key was set to within the transaction
BEGIN;
INSERT INTO kv VALUES('i', 'first');
SAVEPOINT one;
INSERT INTO kv VALUES('i', 'gone');
ROLLBACK TO one;
COMMIT;
SELECT value FROM kv WHERE key = 'i';
SELECT value FROM log_file WHERE key = 'i';

.print == a savepoint may begin before the first write
BEGIN;
SAVEPOINT one;
SAVEPOINT two;
INSERT INTO kv VALUES('j', 'gone');
RELEASE two;
ROLLBACK TO one;
INSERT INTO kv VALUES('k', 'gone');
ROLLBACK TO one;
INSERT INTO kv VALUES('l', 1);
COMMIT;
SELECT * FROM history;
SELECT * FROM file;

.print == a savepoint outside a transaction begins one
SAVEPOINT one;
INSERT INTO kv VALUES('m', 'gone');
ROLLBACK TO one;
RELEASE one;
SAVEPOINT one;
INSERT INTO kv VALUES('m', 1);
RELEASE one;
SELECT * FROM file;

.print == a statement that fails halfway writes nothing
INSERT INTO kv VALUES('n', 'gone'), (NULL, 1), ('o', 'gone');
BEGIN;
INSERT INTO kv VALUES('n', 1);
INSERT INTO kv VALUES('n', 'gone'), ('o', 'gone'), (NULL, 1);
UPDATE kv SET key = 'same' WHERE key IN ('a', 'b', 'c');
COMMIT;
SELECT key, value FROM kv;
SELECT * FROM history;
SELECT * FROM file;

.print == if another table's constraint fails in the statement, kv is unchanged
CREATE TABLE numbers(x INTEGER CHECK(x > 0));
CREATE TEMP TRIGGER numbers_insert BEFORE INSERT ON numbers
BEGIN
  INSERT INTO kv VALUES('trigger', new.x);
END;
INSERT INTO numbers VALUES(1), (-1);
SELECT count(*) FROM kv WHERE key = 'trigger';
BEGIN;
INSERT INTO numbers VALUES(2);
INSERT INTO numbers VALUES(-2);
INSERT INTO numbers VALUES(3), (-3);
COMMIT;
SELECT key, value FROM kv WHERE key = 'trigger';
SELECT x FROM numbers;
SELECT * FROM file;

.print == RAISE in a trigger takes back as much as it says
CREATE TEMP TRIGGER numbers_raise AFTER INSERT ON numbers WHEN new.x > 9
BEGIN
  INSERT INTO kv VALUES('raise ' || new.x, 'gone');
  SELECT CASE new.x
    WHEN 10 THEN RAISE(ABORT, 'aborted')
    WHEN 11 THEN RAISE(ROLLBACK, 'rolled back')
    WHEN 12 THEN RAISE(IGNORE) END;
END;
BEGIN;
INSERT INTO kv VALUES('p', 1);
INSERT INTO numbers VALUES(4), (10);
SELECT key, value FROM kv WHERE key IN ('p', 'trigger') OR key GLOB 'raise*';
COMMIT;
SELECT * FROM file;
BEGIN;
INSERT INTO kv VALUES('q', 'gone');
INSERT INTO numbers VALUES(11);
COMMIT;
SELECT * FROM file;
DROP TRIGGER numbers_raise;

.print == a key can be set and deleted in one transaction
BEGIN;
INSERT INTO kv VALUES('r', 1);
DELETE FROM kv WHERE key = 'r';
COMMIT;
SELECT count(*) FROM kv WHERE key = 'r';
SELECT op FROM log_file WHERE key = 'r';

.print == the log holds that history, and another device gets it
SELECT count(*) FROM (
  SELECT key, value, op, ts, seq, txn, parent_ts FROM kv_log
  EXCEPT SELECT key, value, op, ts, seq, txn, parent_ts FROM log_file);
SELECT count(*) = (SELECT count(*) FROM log_file) FROM kv_log;
SELECT kv_open('t.kv', 'phone', 'name=phone, now=2026-11-01');
SELECT count(*) FROM (
  SELECT key, value FROM kv EXCEPT SELECT key, value FROM phone
  UNION ALL SELECT key, value FROM phone EXCEPT SELECT key, value FROM kv);
SELECT max(key GLOB 'raise*' OR value = 'gone') FROM kv_log('phone');
