-- Delete one key and set another: the renaming of a key.
INSERT OR REPLACE INTO {cache}
  (bucket, key, ts, device, seq, parent_ts, op, arrived, large, value)
VALUES('', :key1, :ts1, :device, :seq1, :parent1, 0, :arrived, NULL, NULL),
      ('', :key2, :ts2, :device, :seq2, :parent2, 1, :arrived, :large,
       :value);
