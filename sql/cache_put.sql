-- Set or delete a key; a row of the same transaction is replaced.
INSERT OR REPLACE INTO {cache}
  (bucket, key, ts, device, seq, parent_ts, op, arrived, large, value)
VALUES('', :key, :ts, :device, :seq, :parent_ts, :op, :arrived, :large,
  :value);
