-- Merge the verified rows of a log, in key order.
INSERT OR IGNORE INTO {cache}
  (bucket, key, ts, device, seq, txn, parent_ts, op, arrived, value)
SELECT bucket, key, ts, device, seq, txn, parent_ts, opcode, :arrived, value
FROM kv_foreign(:reader) WHERE opcode < 2
ORDER BY bucket, key, ts DESC, device DESC, seq DESC;
