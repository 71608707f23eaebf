-- The table kv_violations.

-- name: declare_violations
-- The columns of kv_violations.
CREATE TABLE kv_violations(
  table_name TEXT,
  key,
  rule TEXT,
  column_name TEXT,
  detail TEXT,
  is_hidden INTEGER,
  value TEXT,
  device TEXT,
  ts INTEGER,
  time TEXT,
  only HIDDEN
);
