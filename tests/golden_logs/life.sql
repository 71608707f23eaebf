-- Sealed files, a compacted log, a copy and typed rows, as they were written once, read
-- by an observer and by the devices, which go on. life.kv is in the working directory.
SELECT '== an observer';
SELECT kv_open('life.kv', NULL, 'now=2027-01-01');
SELECT device, state, detail, n_rows, last_seq, last_time, n_files, horizon_time FROM kv_devices ORDER BY device;
SELECT key, substr(quote(value), 1, 30), length(value), device, ts FROM kv;
SELECT device, seq, txn, ts, parent_ts, op, bucket, quote(key), substr(quote(value), 1, 60) FROM kv_log ORDER BY ts, device, seq;
SELECT * FROM kv('2026-01-01');
CREATE VIRTUAL TABLE temp.items USING kv_table(id TEXT PRIMARY KEY, name TEXT, shop TEXT, pieces INTEGER NOT NULL DEFAULT 1, top INTEGER, low REAL, tags TEXT, steps TEXT, MERGE (pieces counter, top max, low min, tags set, steps list));
SELECT * FROM items;
SELECT * FROM kv_violations;
SELECT device, peer, seq, op, peer_seq FROM kv_seen ORDER BY device, seq;
DROP TABLE items;
SELECT kv_close();
SELECT '== the compacted log goes on';
SELECT kv_open('life.kv', 'laptop', 'now=2027-01-01');
INSERT INTO kv VALUES('title', 'goes on');
SELECT sum(goes), sum(n_rows) FROM kv_compaction('now');
SELECT kv_compact('now') > 0;
SELECT state, detail, last_seq FROM kv_devices WHERE is_self;
SELECT key, substr(quote(value), 1, 30), device FROM kv;
SELECT kv_close();
SELECT '== a device that says what it has read goes on';
SELECT kv_open('life.kv', 'phone', 'now=2027-01-02');
INSERT INTO kv VALUES('title', 'and on');
SELECT state, detail, acked_seq FROM kv_devices ORDER BY device;
