#!/bin/sh
# kv_foreign reads any log file without changing anything, says of each row
# whether it verifies, and joins like any table.
$SQLITE :memory: 2>&1 <<'END' | sed "s|$(pwd -P)/||g; s/ near line [0-9]*:/:/"
.load ./kv
.mode list
SELECT kv_open('f.kv', 'phone', 'name=phone, now=2026-11-01');
INSERT INTO phone VALUES('a', 1), (2, x'00');
SELECT kv_open('f.kv', 'laptop', 'now=2026-11-02');
INSERT INTO kv VALUES('a', 'newer');
DELETE FROM kv WHERE key = 2;
.shell cp f.kv/devices/laptop/log.db laptop.db && cp f.kv/devices/phone/log.db phone.db

.print == a whole file is shown, row by row
.headers on
SELECT bucket, key, quote(value) AS value, op, ts, time, device, seq, txn,
  parent_ts, valid, reason
FROM kv_foreign('phone.db');
.headers off
SELECT op, bucket, typeof(key), quote(value), seq, txn, valid
FROM kv_foreign('laptop.db');

.print == the path may be absolute, or have dots
SELECT count(*) FROM kv_foreign('./f.kv/../phone.db');

.print == a table with a name of its own can be joined with kv
CREATE VIRTUAL TABLE temp.their_log USING kv_foreign('phone.db');
SELECT their_log.key, their_log.value, kv.value
FROM their_log JOIN kv ON kv.key = their_log.key;
SELECT count(*) FROM their_log WHERE valid;
SELECT count(*) FROM their_log AS a JOIN their_log AS b ON a.seq = b.seq;
INSERT INTO their_log(key) VALUES('x');
DROP TABLE their_log;

.print == of a file that is cut off, the rows that are there are shown
SELECT kv_open('g.kv', 'phone', 'name=big, now=2026-11-01');
INSERT INTO big SELECT value, zeroblob(2000) FROM (
  WITH RECURSIVE n(value) AS (VALUES(1) UNION ALL
    SELECT value + 1 FROM n WHERE value < 20) SELECT value FROM n);
.shell head -c 8192 g.kv/devices/phone/log.db > cut.db
SELECT count(*) FROM kv_foreign('g.kv/devices/phone/log.db') WHERE valid;
SELECT count(*) FROM kv_foreign('cut.db');

.print == a changed row ends the table, with the reason
.shell cp phone.db changed.db
.shell $SQLITE changed.db "UPDATE log SET value = 9 WHERE seq = 2"
SELECT seq, key, valid, reason FROM kv_foreign('changed.db');
.print == so do a removed row, a changed time, and rows in another order
.shell cp phone.db gone.db && $SQLITE gone.db "DELETE FROM log WHERE seq = 1"
SELECT seq, key, valid, reason FROM kv_foreign('gone.db');
.shell cp phone.db time.db && $SQLITE time.db "UPDATE log SET ts = ts + 1 WHERE seq = 1"
SELECT seq, key, valid, reason FROM kv_foreign('time.db');
.shell cp phone.db order.db && $SQLITE order.db "UPDATE log SET seq = seq + 1 WHERE seq = 2"
SELECT seq, key, valid, reason FROM kv_foreign('order.db');
.print == half a transaction is shown, and is not valid
.shell cp phone.db half.db && $SQLITE half.db "DELETE FROM log WHERE seq = 2"
SELECT seq, txn, key, valid, reason FROM kv_foreign('half.db');
.print == a time that is out of range ends it
.shell cp phone.db bad.db && $SQLITE bad.db "UPDATE log SET ts = -1 WHERE seq = 1"
SELECT seq, valid, reason FROM kv_foreign('bad.db');
.print == an unknown op ends it
.shell cp phone.db bad.db && $SQLITE bad.db "UPDATE log SET op = 4 WHERE seq = 1"
SELECT seq, valid, reason FROM kv_foreign('bad.db');
.print == values of wrong types end it
.shell cp phone.db bad.db && $SQLITE bad.db "UPDATE log SET sum = 'x' WHERE seq = 2"
SELECT seq, valid, reason FROM kv_foreign('bad.db');

.print == no file was changed, and none was made beside them
.shell cmp phone.db f.kv/devices/phone/log.db; ls *.db*
END
