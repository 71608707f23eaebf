-- Views to export a store from: NDJSON, CSV, and columns for Parquet.
--
--   sqlite> .load ./kv
--   sqlite> SELECT kv_open('notes.kv');
--   sqlite> .read examples/export/views.sql
--   sqlite> .once kv.ndjson
--   sqlite> SELECT line FROM kv_ndjson;
--
--   kv_ndjson    kv_csv    kv_columns     the latest values
--   log_ndjson   log_csv   log_columns    the history: all changes
--
-- All of them leave out what table `had` says that an earlier export had: the last
-- row of each device. It is empty at first; since.sql fills it. Then the kv_ views
-- show the keys that changed since, and `op` says whether a key was deleted. Rows of
-- a device come in its order, however late they arrive, so that nothing is missed.
--
-- JSON has no blobs, and SQLite stops reading a text of JSON at a NUL. These are
-- {"blob":"hex"} and {"text":"hex"}. Reals have 21 digits, which is enough for each of
-- them, also with the printf() of SQLite. Infinity is 9e999. It needs SQLite 3.38.

CREATE TEMP TABLE IF NOT EXISTS had(device TEXT PRIMARY KEY, seq INTEGER);

CREATE TEMP VIEW log_new AS
  SELECT l.* FROM kv_log AS l LEFT JOIN had AS h ON h.device = l.device
  WHERE l.seq > coalesce(h.seq, 0);

-- The last row of each device: what the next export starts from.
CREATE TEMP VIEW had_next AS
  SELECT device, max(seq) AS seq FROM kv_log GROUP BY device;

CREATE TEMP VIEW kv_new AS
  SELECT n.key, kv.key IS NOT NULL AS is_there, kv.value
  FROM (SELECT DISTINCT key FROM log_new) AS n LEFT JOIN kv ON kv.key = n.key;

-- NDJSON: a line for each row.

CREATE TEMP VIEW log_ndjson AS SELECT json_object(
  'ts', ts, 'device', device, 'seq', seq, 'txn', txn, 'parent_ts', parent_ts, 'op', op,
  'key', json(CASE
    WHEN typeof(key) = 'blob' THEN json_object('blob', hex(key))
    WHEN typeof(key) = 'real' AND abs(key) = 9e999 THEN iif(key > 0, '9e999', '-9e999')
    WHEN typeof(key) = 'real' THEN format('%!.20e', key)
    WHEN instr(key, char(0)) THEN json_object('text', hex(key))
    ELSE json_quote(key) END),
  'value', json(CASE
    WHEN typeof(value) = 'blob' THEN json_object('blob', hex(value))
    WHEN typeof(value) = 'real' AND abs(value) = 9e999 THEN iif(value > 0, '9e999', '-9e999')
    WHEN typeof(value) = 'real' THEN format('%!.20e', value)
    WHEN instr(value, char(0)) THEN json_object('text', hex(value))
    ELSE json_quote(value) END)) AS line
  FROM log_new ORDER BY ts, device, seq;

CREATE TEMP VIEW kv_ndjson AS SELECT json_object(
  'op', iif(is_there, 'set', 'delete'),
  'key', json(CASE
    WHEN typeof(key) = 'blob' THEN json_object('blob', hex(key))
    WHEN typeof(key) = 'real' AND abs(key) = 9e999 THEN iif(key > 0, '9e999', '-9e999')
    WHEN typeof(key) = 'real' THEN format('%!.20e', key)
    WHEN instr(key, char(0)) THEN json_object('text', hex(key))
    ELSE json_quote(key) END),
  'value', json(CASE
    WHEN typeof(value) = 'blob' THEN json_object('blob', hex(value))
    WHEN typeof(value) = 'real' AND abs(value) = 9e999 THEN iif(value > 0, '9e999', '-9e999')
    WHEN typeof(value) = 'real' THEN format('%!.20e', value)
    WHEN instr(value, char(0)) THEN json_object('text', hex(value))
    ELSE json_quote(value) END)) AS line
  FROM kv_new ORDER BY kv_new.key;

-- CSV: keys and values as SQL literals, so that their types are kept. NULL is NULL,
-- in a deletion, too.

CREATE TEMP VIEW log_csv AS SELECT ts, device, seq, txn, parent_ts, op,
  CASE WHEN typeof(key) = 'text' AND instr(key, char(0)) THEN format('CAST(x%Q AS TEXT)', hex(key))
    WHEN typeof(key) = 'real' AND abs(key) = 9e999 THEN iif(key > 0, '9e999', '-9e999')
    WHEN typeof(key) = 'real' THEN format('%!.20e', key)
    ELSE quote(key) END AS key,
  CASE WHEN typeof(value) = 'text' AND instr(value, char(0)) THEN format('CAST(x%Q AS TEXT)', hex(value))
    WHEN typeof(value) = 'real' AND abs(value) = 9e999 THEN iif(value > 0, '9e999', '-9e999')
    WHEN typeof(value) = 'real' THEN format('%!.20e', value)
    ELSE quote(value) END AS value
  FROM log_new ORDER BY ts, device, seq;

CREATE TEMP VIEW kv_csv AS SELECT iif(is_there, 'set', 'delete') AS op,
  CASE WHEN typeof(key) = 'text' AND instr(key, char(0)) THEN format('CAST(x%Q AS TEXT)', hex(key))
    WHEN typeof(key) = 'real' AND abs(key) = 9e999 THEN iif(key > 0, '9e999', '-9e999')
    WHEN typeof(key) = 'real' THEN format('%!.20e', key)
    ELSE quote(key) END AS key,
  CASE WHEN typeof(value) = 'text' AND instr(value, char(0)) THEN format('CAST(x%Q AS TEXT)', hex(value))
    WHEN typeof(value) = 'real' AND abs(value) = 9e999 THEN iif(value > 0, '9e999', '-9e999')
    WHEN typeof(value) = 'real' THEN format('%!.20e', value)
    ELSE quote(value) END AS value
  FROM kv_new ORDER BY kv_new.key;

-- Columns: one for each type, as a column of Parquet has one. A key that is no text
-- is shown as one; key_type tells what it is, and a blob is hex.

CREATE TEMP VIEW log_columns AS SELECT json_object(
  'ts', ts, 'device', device, 'seq', seq, 'txn', txn, 'parent_ts', parent_ts, 'op', op,
  'key', CASE typeof(key) WHEN 'blob' THEN hex(key)
    WHEN 'real' THEN replace(format('%!.20e', key), 'Inf', '9e999') ELSE CAST(key AS TEXT) END,
  'key_type', typeof(key), 'type', iif(op = 'set', typeof(value), NULL),
  'int', iif(typeof(value) = 'integer', value, NULL),
  'real', json(iif(typeof(value) = 'real', replace(format('%!.20e', value), 'Inf', '9e999'), 'null')),
  'text', iif(typeof(value) = 'text', value, NULL),
  'blob', iif(typeof(value) = 'blob', hex(value), NULL)) AS line
  FROM log_new ORDER BY ts, device, seq;

CREATE TEMP VIEW kv_columns AS SELECT json_object(
  'op', iif(is_there, 'set', 'delete'),
  'key', CASE typeof(key) WHEN 'blob' THEN hex(key)
    WHEN 'real' THEN replace(format('%!.20e', key), 'Inf', '9e999') ELSE CAST(key AS TEXT) END,
  'key_type', typeof(key), 'type', iif(is_there, typeof(value), NULL),
  'int', iif(typeof(value) = 'integer', value, NULL),
  'real', json(iif(typeof(value) = 'real', replace(format('%!.20e', value), 'Inf', '9e999'), 'null')),
  'text', iif(typeof(value) = 'text', value, NULL),
  'blob', iif(typeof(value) = 'blob', hex(value), NULL)) AS line
  FROM kv_new ORDER BY kv_new.key;
