-- The table kv_history.

-- name: declare_cells
-- The columns of kv_history. `cell` is column_name without NULL: a log row has
-- an operation for each, or a cut and a put.
CREATE TABLE kv_history(
  key,
  column_name TEXT,
  value,
  op TEXT,
  ts INTEGER,
  time TEXT,
  device TEXT,
  seq INTEGER,
  in_value INTEGER,
  table_name HIDDEN,
  only HIDDEN,
  store HIDDEN,
  cell HIDDEN,
  PRIMARY KEY(key, device, seq, cell, op)
) WITHOUT ROWID;

-- name: cells_keys
-- All keys of a table.
SELECT c.bucket, c.key, c.op, c.ts, c.device, c.seq, {value c}, 0
FROM {cache} AS c
WHERE c.is_old = 1 AND c.bucket = :bucket AND {visible c}
ORDER BY c.key;

-- name: cells_keys_key
-- One of them.
SELECT c.bucket, c.key, c.op, c.ts, c.device, c.seq, {value c}, 0
FROM {cache} AS c
WHERE c.is_old = 1 AND c.bucket = :bucket AND c.key = :key AND {visible c};
