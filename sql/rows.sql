-- The table kv_rows.

-- name: declare_rows
-- The columns of kv_rows. op is a number.
CREATE TABLE kv_rows(
  bucket,
  key,
  value,
  op,
  ts,
  seq,
  txn,
  parent_ts,
  part,
  large,
  sum,
  device,
  arrived,
  pointer HIDDEN,
  PRIMARY KEY(seq)
) WITHOUT ROWID;
