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
SELECT c.part, c.key, c.op, c.ts, c.device, c.seq, {value c}, 0
FROM {cache} AS c
WHERE c.part = :bucket AND {visible c}
ORDER BY c.key;

-- name: cells_keys_key
-- One of them.
SELECT c.part, c.key, c.op, c.ts, c.device, c.seq, {value c}, 0
FROM {cache} AS c
WHERE c.part = :bucket AND c.key = :key AND {visible c};
