-- kv_revert(key, time, table): a row of a typed table as it was, as a new change.
.load ./kv
.mode list
SELECT kv_open('a.kv', 'laptop', 'now=2026-11-01 08:00');
CREATE VIRTUAL TABLE temp.accounts USING kv_table(
  id TEXT PRIMARY KEY, name TEXT NOT NULL, city TEXT, balance INTEGER NOT NULL DEFAULT 0,
  best REAL, least REAL, tags TEXT, visits TEXT, CHECK (balance >= 0), UNIQUE (city),
  MERGE (balance counter, best max, least min, tags set, visits list));
INSERT INTO accounts VALUES('ann', 'Ann', 'Oslo', 10, 5, 5, '["red"]', '["Rome"]'), ('bob', 'Bob', 'Bonn', 1, NULL, NULL, NULL, NULL);
SELECT kv_open('a.kv', 'laptop', 'now=2026-11-02 08:00');
UPDATE accounts SET name = 'Anna', balance = balance - 4, best = 9, least = 1, tags = '["blue"]', visits = '["Rome","Bari"]' WHERE id = 'ann';
DELETE FROM accounts WHERE id = 'bob';
INSERT INTO accounts(id, name) VALUES('eve', 'Eve');
SELECT kv_open('a.kv', 'laptop', 'now=2026-11-03 08:00');
UPDATE accounts SET balance = balance + 1 WHERE id = 'ann';
.headers on
.nullvalue NULL

.print == the row before its latest change, and back again
SELECT kv_revert('ann', NULL, 'accounts') AS row;
SELECT balance FROM accounts WHERE id = 'ann';
SELECT kv_revert('ann', NULL, 'accounts') AS row;
.print == the row at a time: counters, maxima, minima, sets and lists go back, too
SELECT kv_revert('ann', '2026-11-01 09:00', 'accounts') AS row;
SELECT * FROM accounts WHERE id = 'ann';
.print == one log row, which assigns the columns that differ
SELECT value FROM kv_log WHERE key = 'ann' ORDER BY ts DESC, seq DESC LIMIT 1;
.print == a row that was deleted is inserted; one that did not exist yet is deleted
SELECT kv_revert('bob', '2026-11-01 09:00', 'accounts') AS bob, kv_revert('eve', '2026-11-01 09:00', 'accounts') AS eve;
SELECT id, name, city, balance FROM accounts;
.print == a row that is as it was is not written again
SELECT max(seq) AS seq FROM kv_log;
SELECT kv_revert('ann', '2026-11-01 09:00', 'temp.accounts') IS NOT NULL AS ann, kv_revert('eve', '2026-11-01 09:00', 'accounts') AS eve;
SELECT max(seq) AS seq FROM kv_log;
.print == what the declaration does not allow now is refused
DELETE FROM accounts WHERE id = 'bob';
UPDATE accounts SET city = 'Bonn' WHERE id = 'ann';
SELECT kv_revert('bob', NULL, 'accounts');
SELECT kv_alter('accounts', 'DECLARE (id TEXT PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL, balance INTEGER, CHECK (balance < 5))');
INSERT INTO accounts VALUES('eve', 'Eve', 'Rome', 1);
SELECT kv_revert('eve', '2026-11-02 09:00', 'accounts');
SELECT kv_revert('ann', '2026-11-01 09:00', 'accounts');
SELECT id, name, city, balance FROM accounts;
.print == wrong arguments are refused
SELECT kv_revert('ann', 'yesterday', 'accounts');
SELECT kv_revert(5, NULL, 'accounts');
SELECT kv_revert(NULL, NULL, 'accounts');
SELECT kv_revert('ann', NULL, 'people');
CREATE VIRTUAL TABLE temp.places USING kv_table(city TEXT, nr INTEGER, note TEXT, PRIMARY KEY(city, nr));
SELECT kv_revert('Oslo', NULL, 'places');
.print == a key of several columns is a JSON array
INSERT INTO places VALUES('Oslo', 1, 'old');
UPDATE places SET note = 'new';
SELECT kv_revert(json_array('Oslo', 1), NULL, 'places') AS row;
.print == all that has changed since a time
SELECT kv_open('a.kv', 'laptop', 'now=2026-11-09 08:00');
INSERT INTO places VALUES('Rome', 2, 'new');
UPDATE places SET note = 'lost' WHERE city = 'Oslo';
SELECT key, kv_revert(key, '2026-11-08', bucket) AS row FROM kv_diff('2026-11-08');
SELECT * FROM places;
