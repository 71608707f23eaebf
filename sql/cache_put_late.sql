-- Set or delete many keys, in their order. IGNORE, as then there is no statement
-- journal (https://www.sqlite.org/tempfiles.html#stmtjrnl): it would begin that
-- of an enclosing statement, too, which is to begin behind these rows.
INSERT OR IGNORE INTO {cache}
  (bucket, key, ts, device, seq, parent_ts, op, arrived, value)
SELECT '', key, ts, :device, seq, parent_ts, op, :arrived, value
FROM kv_rows(:rows);
