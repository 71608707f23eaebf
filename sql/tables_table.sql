-- The table kv_tables.

-- name: declare_tables
-- The columns of kv_tables.
CREATE TABLE kv_tables(
  bucket TEXT,
  table_name TEXT,
  n_rows INTEGER,
  n_hidden INTEGER,
  n_log_rows INTEGER,
  columns TEXT,
  declared_by TEXT,
  differs TEXT,
  store HIDDEN
);
