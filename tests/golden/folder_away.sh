#!/bin/sh
# While the folder is away, reading goes on; a persistent cache takes writes,
# which are published when the folder is back; a temporary one says why not.
play() { # DATABASE: a shell with the extension, showing no path of here
  (echo ".load ./kv"; cat) | $SQLITE "$1" 2>&1 | sed "s|$(pwd -P)/||g; s/ near line [0-9]*:/:/"
}

echo "== a persistent cache"
play host.db <<'END'
CREATE VIRTUAL TABLE kv USING kv('n.kv', device='laptop', now='2026-11-01');
CREATE TABLE t(x);
INSERT INTO kv VALUES('a', 1);
.shell mv n.kv away
INSERT INTO kv VALUES('b', 2);
BEGIN;
INSERT INTO kv VALUES('c', 3);
DELETE FROM kv WHERE key = 'a';
INSERT INTO t VALUES(1);
COMMIT;
SELECT key, value FROM kv;
SELECT state, detail, unpublished FROM kv_devices WHERE is_self;
SELECT kv_sync();
SELECT count(*) FROM kv_log;
.print -- nothing was made where the folder was
.shell ls
END

echo "== in another process, rows still wait"
play host.db <<'END'
SELECT key, value FROM kv;
SELECT state, unpublished FROM kv_devices WHERE is_self;
SELECT kv_close();
DROP TABLE kv;
.shell mv away n.kv
SELECT kv_sync();
SELECT state, unpublished FROM kv_devices WHERE is_self;
SELECT seq, txn, op, key, valid
FROM kv_foreign('n.kv/devices/laptop/log.db');
END

echo "== or a commit publishes them with its own"
play host.db <<'END'
.shell mv n.kv away
INSERT INTO kv VALUES('d', 4);
.shell mv away n.kv
INSERT INTO kv VALUES('e', 5);
SELECT state, unpublished FROM kv_devices WHERE is_self;
SELECT seq, txn, op, key, valid
FROM kv_foreign('n.kv/devices/laptop/log.db') WHERE seq > 4;
SELECT count(*) FROM (SELECT seq, txn, ts, key, value FROM kv_log
  EXCEPT SELECT seq, txn, ts, key, value
  FROM kv_foreign('n.kv/devices/laptop/log.db'));
END

echo "== what others wrote meanwhile comes with the next sync"
play :memory: <<'END'
SELECT kv_open('n.kv', 'phone', 'now=2026-11-02');
SELECT count(*) FROM kv;
INSERT INTO kv VALUES('phone', 1);
END
play host.db <<'END'
SELECT kv_sync();
SELECT key FROM kv;
END

echo "== a temporary cache: reading goes on, COMMIT says why not"
play :memory: <<'END'
SELECT kv_open('n.kv', 'tablet', 'now=2026-11-03');
.shell mv n.kv away
SELECT count(*) FROM kv;
INSERT INTO kv VALUES('tablet', 1);
BEGIN;
INSERT INTO kv VALUES('tablet', 2);
COMMIT;
.print -- and it is rolled back
SELECT count(*) FROM kv WHERE key = 'tablet';
.shell mv away n.kv
INSERT INTO kv VALUES('tablet', 3);
SELECT key, value FROM kv_foreign('n.kv/devices/tablet/log.db')
WHERE op = 'set';
END

echo "== gone for good: the rows are given up by an option of kv_close"
play host.db <<'END'
.shell mv n.kv away
INSERT INTO kv VALUES('lost', 1);
SELECT unpublished FROM kv_devices WHERE is_self;
DROP TABLE kv;
SELECT quote(kv_close('discard=1', 'kv'));
SELECT count(*) FROM kv WHERE key = 'lost';
SELECT unpublished FROM kv_devices WHERE is_self;
DROP TABLE kv;
SELECT name FROM sqlite_master;
END
