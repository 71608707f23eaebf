-- Merge a slice of the verified rows of a log. They come in the order of the
-- cache; of those of one key all but the latest go to the back at once.
INSERT OR IGNORE INTO {cache}
  (is_old, bucket, key, ts, device, seq, txn, parent_ts, op, arrived, large,
   value)
SELECT is_old, bucket, key, ts, :device, seq, txn, parent_ts, op, :arrived,
  large, value
FROM kv_rows(:slice);
