-- Every row of every device; the first row of a key is its latest value. Rows
-- that have been superseded are moved to the back now and then (is_old): what
-- is in front is about the latest values. Rows of other buckets, which kv does
-- not show, are in the back from the start.
-- txn is NULL in rows that this cache committed: the last_seq of their arrival.
-- large is NULL in rows that have their value with them, else the number of its
-- first part.
CREATE TABLE {cache}(
  is_old INTEGER NOT NULL DEFAULT 0,
  key NOT NULL,
  ts INTEGER NOT NULL,
  device TEXT NOT NULL,
  seq INTEGER NOT NULL,
  bucket TEXT NOT NULL,
  txn INTEGER,
  parent_ts INTEGER,
  op INTEGER NOT NULL,
  arrived INTEGER NOT NULL,
  large INTEGER,
  value,
  PRIMARY KEY(is_old, key, ts DESC, device DESC, seq DESC, bucket)
) WITHOUT ROWID;
