-- kv_devices: each device and how it is, and files in the folder that are
-- not read, never changed and never deleted.
.load ./kv
.mode list
SELECT kv_open('d.kv', 'laptop', 'now=2026-11-01');
CREATE TEMP VIEW states AS SELECT device, state, detail FROM kv_devices
  WHERE device IS NOT NULL;
CREATE TEMP VIEW files AS SELECT state, detail, is_self, file FROM kv_devices
  WHERE device IS NULL ORDER BY file;

.print == ok
SELECT kv_open('d.kv', 'phone', 'name=phone, now=2026-11-02');
INSERT INTO phone VALUES('a', 1), ('b', 2);
SELECT kv_sync();
.headers on
SELECT device, state, detail, is_self, n_rows, last_seq, unpublished,
  acked_seq, file FROM kv_devices;
.headers off
SELECT device, clock_offset_ms FROM kv_devices;
SELECT count(*) FROM kv_devices
WHERE bytes IS NOT NULL AND synced_time IS NOT NULL;

.print == waiting: a directory without a log, half a file, zeros
.shell mkdir d.kv/devices/empty d.kv/devices/half d.kv/devices/zeros
.shell head -c 5000 d.kv/devices/phone/log.db > d.kv/devices/half/log.db
.shell head -c 8192 /dev/zero > d.kv/devices/zeros/log.db
SELECT kv_sync();
SELECT * FROM states;
.print == ok: the rest has arrived
SELECT quote(kv_close('phone'));
SELECT kv_open('half.kv', 'half', 'name=half, now=2026-11-02');
INSERT INTO half VALUES('half', 1);
.shell cp half.kv/devices/half/log.db d.kv/devices/half/log.db
SELECT kv_sync();
SELECT * FROM states WHERE device = 'half';

.print == waiting: only a placeholder of a cloud drive is here
.shell mkdir d.kv/devices/cloud && echo bplist > d.kv/devices/cloud/.log.db.icloud
SELECT kv_sync();
SELECT * FROM states WHERE device = 'cloud';
SELECT * FROM files;
.shell rm -r d.kv/devices/cloud

.print == stranger: another program's file, a text, another device's log
.shell mkdir d.kv/devices/other d.kv/devices/text d.kv/devices/copy d.kv/devices/link
.shell $SQLITE d.kv/devices/other/log.db "CREATE TABLE t(x)"
.shell printf "not a database, but longer than a header: %0100d" 0 > d.kv/devices/text/log.db
.shell cp d.kv/devices/phone/log.db d.kv/devices/copy/log.db
.shell ln -s ../phone/log.db d.kv/devices/link/log.db
SELECT kv_sync();
SELECT * FROM states WHERE state = 'stranger';

.print == newer: a format of the future
.shell mkdir d.kv/devices/future && cp half.kv/devices/half/log.db d.kv/devices/future
.shell $SQLITE d.kv/devices/future/log.db "PRAGMA user_version = 3"
SELECT kv_sync();
SELECT * FROM states WHERE state = 'newer';

.print == damaged: a row was changed
.shell cp d.kv/devices/phone/log.db phone.db
.shell $SQLITE d.kv/devices/phone/log.db "UPDATE log SET value = 3 WHERE key = 'a'"
SELECT kv_sync();
SELECT * FROM states WHERE device = 'phone';
SELECT kv_open('d.kv', 'fresh', 'name=fresh, now=2026-11-02');
SELECT device, state, detail, last_seq FROM kv_devices('fresh')
WHERE device = 'phone';
SELECT key, value FROM fresh;
.print == behind: an older copy; what was read is kept
.shell cp phone.db d.kv/devices/phone/log.db
SELECT kv_sync('fresh');
SELECT kv_open('d.kv', 'phone', 'name=phone, now=2026-11-03');
INSERT INTO phone VALUES('c', 3);
SELECT quote(kv_close('phone'));
SELECT kv_sync();
.shell cp d.kv/devices/phone/log.db newer.db && cp phone.db d.kv/devices/phone/log.db
SELECT kv_sync();
SELECT * FROM states WHERE device = 'phone';
SELECT key, value FROM kv;
.print == ok again: the newer log is back
.shell cp newer.db d.kv/devices/phone/log.db
SELECT kv_sync();
SELECT * FROM states WHERE device = 'phone';

.print == missing: the log is gone; what was read is kept
.shell mv d.kv/devices/phone away
SELECT kv_sync();
SELECT * FROM states WHERE device = 'phone';
SELECT count(*) FROM kv;
.shell mv away d.kv/devices/phone
SELECT kv_sync();
SELECT * FROM states WHERE device = 'phone';

.print == rewritten: another log in its place
SELECT kv_open('new.kv', 'phone', 'name=phone, now=2026-11-04');
INSERT INTO phone VALUES('new', 1);
.shell cp new.kv/devices/phone/log.db d.kv/devices/phone/log.db
SELECT kv_sync();
SELECT * FROM states WHERE device = 'phone';
SELECT key, value, device FROM kv;

.print == ignored: other files in the folder
SELECT kv_open('tidy.kv', 'laptop', 'name=tidy, now=2026-11-01');
INSERT INTO tidy VALUES('a', 1);
SELECT count(*) FROM kv_devices('tidy') WHERE state = 'ignored';
.shell touch tidy.kv/README tidy.kv/devices/.stfolder
.shell mkdir tidy.kv/.sync tidy.kv/devices/con tidy.kv/devices/-dash
.shell touch tidy.kv/devices/tablet tidy.kv/devices/laptop/log.db-wal
.shell cp tidy.kv/devices/laptop/log.db "tidy.kv/devices/laptop/log (conflict).db"
.shell cp tidy.kv/devices/laptop/log.db tidy.kv/devices/laptop/.log.db.tmp
.shell ln -s .. tidy.kv/devices/loop
SELECT kv_sync('tidy');
SELECT device, state, is_self, detail, file FROM kv_devices('tidy');
.shell ls -RA tidy.kv
