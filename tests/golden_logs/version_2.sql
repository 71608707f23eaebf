-- Logs of format version 2, as they were written once, read by kv_foreign and
-- merged by an observer. The folder version_2.kv is in the working directory.
SELECT '== the log of laptop';
SELECT seq, txn, ts, parent_ts, op, quote(bucket), typeof(key), CASE typeof(key) WHEN 'real' THEN printf('%.15g', key) ELSE substr(quote(key), 1, 70) END, typeof(value), CASE WHEN typeof(value) IN ('text', 'blob') THEN length(value) END, CASE typeof(value) WHEN 'real' THEN printf('%.15g', value) ELSE substr(quote(value), 1, 70) END, valid, reason FROM kv_foreign('version_2.kv/devices/laptop/log.db');
SELECT '== the log of phone';
SELECT seq, txn, ts, parent_ts, op, quote(bucket), typeof(key), CASE typeof(key) WHEN 'real' THEN printf('%.15g', key) ELSE substr(quote(key), 1, 70) END, typeof(value), CASE typeof(value) WHEN 'real' THEN printf('%.15g', value) ELSE substr(quote(value), 1, 70) END, valid, reason FROM kv_foreign('version_2.kv/devices/phone/log.db');
SELECT '== the log of tablet';
SELECT seq, txn, ts, parent_ts, op, quote(bucket), quote(key), quote(value), valid, reason FROM kv_foreign('version_2.kv/devices/tablet/log.db');
SELECT '== the log of watch, of a version to come';
SELECT * FROM kv_foreign('version_2.kv/devices/watch/log.db');
SELECT '== the log of old, of an unreleased version';
SELECT * FROM kv_foreign('version_2.kv/devices/old/log.db');
SELECT '== an observer';
SELECT kv_open('version_2.kv');
SELECT device, state, detail, n_rows, last_seq, last_time, acked_seq FROM kv_devices ORDER BY device;
SELECT typeof(key), CASE typeof(key) WHEN 'real' THEN printf('%.15g', key) ELSE substr(quote(key), 1, 70) END, typeof(value), CASE typeof(value) WHEN 'real' THEN printf('%.15g', value) ELSE substr(quote(value), 1, 70) END, ts, device, parent_ts FROM kv;
SELECT count(*), count(DISTINCT device || txn), sum(CASE WHEN typeof(key) IN ('text', 'blob') THEN length(CAST(key AS BLOB)) END), sum(CASE WHEN typeof(value) IN ('text', 'blob') THEN length(CAST(value AS BLOB)) END) FROM kv_log;
SELECT bucket, key, op, value, device, ts FROM kv_log WHERE bucket <> '' OR key = 'value 4' ORDER BY ts, device;
SELECT key, value, lost_value, lost_device FROM kv_conflicts;
SELECT '== a device that goes on';
SELECT kv_open('version_2.kv', 'tablet', 'name=mine, now=2026-12-01');
INSERT INTO mine VALUES('value 4', 'goes on'), ('value 5', NULL);
SELECT key, value, device FROM mine WHERE key GLOB 'value [45]';
SELECT min(valid), max(seq) FROM kv_foreign('version_2.kv/devices/tablet/log.db');
