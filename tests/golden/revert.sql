-- kv_revert(key [, time]): an earlier value as a new change.
.load ./kv
.mode list
SELECT kv_open('a.kv', 'laptop', 'now=2026-11-01 08:00');
INSERT INTO kv VALUES('title', 'one'), ('stars', 5);
SELECT kv_open('a.kv', 'laptop', 'now=2026-11-02 08:00');
INSERT INTO kv VALUES('title', 'two'), ('new', 1);
DELETE FROM kv WHERE key = 'stars';
SELECT kv_open('a.kv', 'laptop', 'now=2026-11-03 08:00');
INSERT INTO kv VALUES('title', 'three');
.headers on
.nullvalue NULL

.print == kv_revert brings back the value before the latest change, and back again
SELECT kv_revert('title'), kv_get('title');
SELECT kv_revert('title'), kv_get('title');
.print == kv_revert brings back the value of a time
SELECT kv_revert('title', '2026-11-02'), kv_get('title');
.print == a key that was deleted comes back; one that did not exist yet is deleted
SELECT kv_revert('stars'), kv_revert('new'), kv_revert('nothing');
SELECT key, value FROM kv;
.print == a value that is there already is not written again
SELECT kv_revert('title', '2026-11-02'), kv_revert('stars', '2026-11-01 08:00');
.print == the history has each step
SELECT op, key, value FROM kv_log ORDER BY ts, seq;
.print == a transaction is one change of a key, and is taken back as a whole
BEGIN;
INSERT INTO kv VALUES('title', 'a');
INSERT INTO kv VALUES('title', 'b');
COMMIT;
SELECT kv_revert('title');
.print == the whole store as it was
SELECT key, kv_revert(key, '2026-11-03') FROM kv_diff('2026-11-03');
SELECT count(*) AS differences FROM kv_diff('2026-11-03');

.print == wrong arguments are refused
SELECT kv_revert('title', 'yesterday');
SELECT kv_revert('title', 1793611815);
SELECT kv_revert('title', NULL, 'other');
SELECT kv_open('a.kv', NULL, 'name=observer');
SELECT kv_revert('title', NULL, 'observer');
