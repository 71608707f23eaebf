-- ':memory:' is a store without a folder: kv with its history, for tests and
-- for what is not shared.
.load ./kv
.mode list
SELECT kv_open(':memory:', NULL, 'now=2026-11-01');
INSERT INTO kv VALUES('a', 1), ('b', 2);
SELECT kv_open(':memory:', NULL, 'now=2026-11-02');
UPDATE kv SET value = 3 WHERE key = 'a';
DELETE FROM kv WHERE key = 'b';
SELECT key, value, device, time FROM kv;
SELECT key, value FROM kv('2026-11-01 12:00');
SELECT key, value, op, time, device, seq, txn, parent_ts FROM kv_log;

.print == it has transactions
BEGIN;
INSERT INTO kv VALUES('c', 1);
ROLLBACK;
BEGIN;
INSERT INTO kv VALUES('d', 1);
SAVEPOINT one;
INSERT INTO kv VALUES('e', 1);
ROLLBACK TO one;
COMMIT;
SELECT key FROM kv;

.print == nothing to sync, nothing waits
SELECT kv_sync();
SELECT device, state, is_self, n_rows, last_seq, unpublished, quote(file)
FROM kv_devices;
.shell ls

.print == there can be several, each with its own keys
SELECT kv_open(':memory:', 'other', 'name=second, now=2026-11-01');
INSERT INTO second VALUES('a', 'second');
SELECT key, value, device FROM second;
SELECT value FROM kv WHERE key = 'a';

.print == when it is closed, it is gone
SELECT quote(kv_close('second'));
SELECT * FROM second;
SELECT quote(kv_close());
SELECT kv_open(':memory:');
SELECT count(*) FROM kv;

.print == in a database file it survives
ATTACH 'host.db' AS host;
CREATE VIRTUAL TABLE host.mine USING kv(':memory:', now='2026-11-01');
INSERT INTO mine VALUES('a', 1);
.shell $SQLITE host.db -cmd ".load ./kv" "SELECT key, value, device FROM mine; INSERT INTO mine VALUES('b', 2); SELECT key, seq FROM kv_log('mine')"
