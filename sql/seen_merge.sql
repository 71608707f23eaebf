-- Merge what a slice of a log says that its device had seen.
INSERT OR IGNORE INTO {seen}
  (device, peer, seq, txn, ts, peer_id, peer_seq, peer_sum)
SELECT :device, bucket, seq, txn, ts, key, value, parent_ts
FROM kv_rows(:slice);
