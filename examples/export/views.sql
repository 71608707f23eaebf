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
-- The table `had` has the last row of each device that an earlier export had,
-- and all views leave out rows up to there. It is empty at first; since.sql
-- fills it. Then the kv_ views show the keys that changed since, and `op` says
-- whether a key was deleted. Rows of a device come in its order, however late
-- they arrive, so nothing is missed.
--
-- JSON has no blobs, and SQLite stops reading a text of JSON at a NUL. So these
-- values become {"blob":"hex"} and {"text":"hex"}. Reals have 21 digits, which
-- is enough even with SQLite's printf(). Infinity is 9e999. This needs the
-- shell of SQLite 3.38 or newer, whose ieee754_to_blob() distinguishes -0.0
-- from 0.0.

CREATE TEMP TABLE IF NOT EXISTS had(device TEXT PRIMARY KEY, seq INTEGER);

-- What is new: rows of the history, and the keys that they are of. Both are in one
-- view, so that one expression says how a real is written, whatever the format.

CREATE TEMP VIEW IF NOT EXISTS log_since AS
  SELECT l.* FROM kv_log AS l LEFT JOIN had AS h ON h.device = l.device
  WHERE l.seq > coalesce(h.seq, 0);

CREATE TEMP VIEW IF NOT EXISTS new_rows AS
  SELECT *,
    CASE WHEN typeof(key) = 'real' THEN iif(ieee754_to_blob(key) = x'8000000000000000',
      '-0.0', replace(format('%!.20e', key), 'Inf', '9e999')) END AS key_real,
    CASE WHEN typeof(value) = 'real' THEN iif(ieee754_to_blob(value) = x'8000000000000000',
      '-0.0', replace(format('%!.20e', value), 'Inf', '9e999')) END AS value_real
  FROM (
    SELECT 'log' AS of, ts, device, seq, txn, parent_ts, op, key, value FROM log_since
    UNION ALL
    SELECT 'kv', NULL, NULL, NULL, NULL, NULL, iif(kv.key IS NULL, 'delete', 'set'),
      coalesce(kv.key, n.key), kv.value
    FROM (SELECT DISTINCT key FROM log_since) AS n LEFT JOIN kv ON kv.key = n.key);

-- The last row of each device: what the next export starts from.
CREATE TEMP VIEW IF NOT EXISTS had_next AS
  SELECT device, max(seq) AS seq FROM kv_log GROUP BY device;

-- NDJSON: a line for each row.

CREATE TEMP VIEW IF NOT EXISTS new_json AS
  SELECT *,
    CASE WHEN typeof(key) = 'blob' THEN json_object('blob', hex(key))
      WHEN typeof(key) = 'real' THEN key_real
      WHEN instr(key, char(0)) THEN json_object('text', hex(key))
      ELSE json_quote(key) END AS key_json,
    CASE WHEN typeof(value) = 'blob' THEN json_object('blob', hex(value))
      WHEN typeof(value) = 'real' THEN value_real
      WHEN instr(value, char(0)) THEN json_object('text', hex(value))
      ELSE json_quote(value) END AS value_json
  FROM new_rows;

CREATE TEMP VIEW IF NOT EXISTS log_ndjson AS SELECT json_object(
  'ts', ts, 'device', device, 'seq', seq, 'txn', txn, 'parent_ts', parent_ts, 'op', op,
  'key', json(key_json), 'value', json(value_json)) AS line
  FROM new_json WHERE of = 'log' ORDER BY ts, device, seq;

CREATE TEMP VIEW IF NOT EXISTS kv_ndjson AS SELECT json_object(
  'op', op, 'key', json(key_json), 'value', json(value_json)) AS line
  FROM new_json WHERE of = 'kv' ORDER BY new_json.key;

-- CSV: keys and values as SQL literals, so that their types are kept. NULL is NULL,
-- in a deletion, too.

CREATE TEMP VIEW IF NOT EXISTS new_csv AS
  SELECT *,
    CASE WHEN typeof(key) = 'text' AND instr(key, char(0)) THEN format('CAST(x%Q AS TEXT)', hex(key))
      WHEN typeof(key) = 'real' THEN key_real
      ELSE quote(key) END AS key_csv,
    CASE WHEN typeof(value) = 'text' AND instr(value, char(0)) THEN format('CAST(x%Q AS TEXT)', hex(value))
      WHEN typeof(value) = 'real' THEN value_real
      ELSE quote(value) END AS value_csv
  FROM new_rows;

CREATE TEMP VIEW IF NOT EXISTS log_csv AS
  SELECT ts, device, seq, txn, parent_ts, op, key_csv AS key, value_csv AS value
  FROM new_csv WHERE of = 'log' ORDER BY ts, device, seq;

CREATE TEMP VIEW IF NOT EXISTS kv_csv AS SELECT op, key_csv AS key, value_csv AS value
  FROM new_csv WHERE of = 'kv' ORDER BY new_csv.key;

-- Columns: one for each type, because a Parquet column has only one type. A key
-- that is not text is shown as text; key_type says what it is, and a blob is
-- hex.

CREATE TEMP VIEW IF NOT EXISTS log_columns AS SELECT json_object(
  'ts', ts, 'device', device, 'seq', seq, 'txn', txn, 'parent_ts', parent_ts, 'op', op,
  'key', CASE typeof(key) WHEN 'blob' THEN hex(key)
    WHEN 'real' THEN key_real ELSE CAST(key AS TEXT) END,
  'key_type', typeof(key), 'type', iif(op = 'set', typeof(value), NULL),
  'int', iif(typeof(value) = 'integer', value, NULL),
  'real', json(coalesce(value_real, 'null')),
  'text', iif(typeof(value) = 'text', value, NULL),
  'blob', iif(typeof(value) = 'blob', hex(value), NULL)) AS line
  FROM new_rows WHERE of = 'log' ORDER BY ts, device, seq;

CREATE TEMP VIEW IF NOT EXISTS kv_columns AS SELECT json_object(
  'op', op,
  'key', CASE typeof(key) WHEN 'blob' THEN hex(key)
    WHEN 'real' THEN key_real ELSE CAST(key AS TEXT) END,
  'key_type', typeof(key), 'type', iif(op = 'set', typeof(value), NULL),
  'int', iif(typeof(value) = 'integer', value, NULL),
  'real', json(coalesce(value_real, 'null')),
  'text', iif(typeof(value) = 'text', value, NULL),
  'blob', iif(typeof(value) = 'blob', hex(value), NULL)) AS line
  FROM new_rows WHERE of = 'kv' ORDER BY new_rows.key;
