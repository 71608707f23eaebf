-- Several stores in one connection: over several folders, over one folder as
-- different devices, in one transaction.
.load ./kv
.mode list
SELECT kv_open('one.kv', 'laptop', 'name=one, now=2026-11-01');
SELECT kv_open('two.kv', 'laptop', 'name=two, now=2026-11-01');
SELECT kv_open('two.kv', 'phone', 'name=three, now=2026-11-01');
SELECT quote(kv_open('two.kv', NULL, 'name=eyes'));

.print == one transaction writes to all of them
BEGIN;
INSERT INTO one VALUES('a', 'one');
INSERT INTO two VALUES('a', 'two');
INSERT INTO three VALUES('b', 'three');
COMMIT;
SELECT 'one', key, value FROM one UNION ALL
SELECT 'two', key, value FROM two UNION ALL
SELECT 'three', key, value FROM three;
.shell ls -RA one.kv two.kv

.print == ROLLBACK takes it back in all of them
BEGIN;
INSERT INTO one VALUES('gone', 1);
INSERT INTO two VALUES('gone', 1);
INSERT INTO three VALUES('gone', 1);
ROLLBACK;
BEGIN;
INSERT INTO one VALUES('c', 1);
SAVEPOINT s;
INSERT INTO one VALUES('gone', 1);
INSERT INTO two VALUES('gone', 1);
ROLLBACK TO s;
INSERT INTO three VALUES('c', 1);
COMMIT;
SELECT count(*) FROM (SELECT key FROM one UNION ALL SELECT key FROM two
  UNION ALL SELECT key FROM three) WHERE key = 'gone';
SELECT key FROM kv_foreign('one.kv/devices/laptop/log.db');
SELECT key FROM kv_foreign('two.kv/devices/laptop/log.db');
SELECT key FROM kv_foreign('two.kv/devices/phone/log.db');

.print == a function takes the name of a store as its last argument
SELECT kv_sync('one'), kv_sync('two'), kv_sync('three'), kv_sync('eyes');
SELECT kv_set('k', 'v', 'one'), kv_get('k', 'default', 'one'),
  kv_get('k', 'default', 'two'), kv_delete('k', 'one'), kv_delete('k', 'two');
SELECT key, value FROM kv_log('eyes') ORDER BY ts, device, seq;
SELECT device, is_self FROM kv_devices('three');
SELECT kv_sync();

.print == rows can be copied from one to the other
INSERT INTO one SELECT key, value FROM eyes;
SELECT key, value FROM one;
SELECT one.key, one.value = two.value FROM one JOIN two ON two.key = one.key;

.print == one closes, the others stay
SELECT quote(kv_close('two'));
SELECT key, value FROM three ORDER BY key;
SELECT kv_open('two.kv', 'laptop', 'name=again, now=2026-11-01');
SELECT key, value FROM again ORDER BY key;
