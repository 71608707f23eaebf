-- Hidden columns of a typed table say when a row was written last, and by whom.
.load ./kv
.mode list
.headers on

.print == two devices write
SELECT kv_open('notes.kv', 'laptop', 'now=2026-11-01 10:00') AS device;
CREATE VIRTUAL TABLE temp.accounts USING kv_table(
  id TEXT PRIMARY KEY, name TEXT, balance INTEGER, MERGE (balance counter));
INSERT INTO accounts VALUES('a', 'Ann', 1), ('b', 'Bob', 2), ('c', 'Cleo', 3);
SELECT kv_open('notes.kv', 'phone', 'name=phone, now=2026-11-01 11:00') AS device;
CREATE VIRTUAL TABLE temp.debts USING kv_table(
  id TEXT PRIMARY KEY, balance INTEGER, MERGE (balance counter), store = phone, bucket = 'accounts');
UPDATE debts SET balance = balance + 10 WHERE id = 'b';
SELECT kv_sync() AS merged;
SELECT id, balance, ts, time, device FROM accounts ORDER BY id;
SELECT id, balance, ts, time, device FROM debts ORDER BY id;

.print == conditions on them
SELECT id FROM accounts WHERE device = 'phone';
SELECT id FROM accounts WHERE time < '2026-11-01 10:30' ORDER BY ts, id DESC;

.print == as it was
SELECT id, balance, time, device FROM accounts('2026-11-01 10:30') ORDER BY id;

.print == rows of a transaction that is not over
BEGIN;
UPDATE accounts SET name = 'B' WHERE id = 'b';
UPDATE accounts SET name = 'C' WHERE id = 'c';
SELECT id, name, device, ts > 1793530800000000 AS is_later FROM accounts ORDER BY id;
ROLLBACK;
SELECT id, name, device FROM accounts ORDER BY id;

.print == they are set by the store
UPDATE accounts SET device = 'x' WHERE id = 'a';
INSERT INTO accounts(id, ts) VALUES('d', 1);
UPDATE accounts SET balance = other.n FROM (SELECT 7 AS n) AS other WHERE id = 'a';
SELECT id, balance, time FROM accounts WHERE id = 'a';

.print == a declared column takes the place of one of its name
CREATE VIRTUAL TABLE temp.visits USING kv_table(a INTEGER, b INTEGER, time TEXT, PRIMARY KEY (a, b));
INSERT INTO visits VALUES(1, 2, 'noon');
SELECT *, ts, _time, device FROM visits;
