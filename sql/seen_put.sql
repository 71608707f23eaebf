-- Say how far a peer's log was merged when a transaction began.
INSERT OR REPLACE INTO {seen}
  (device, peer, seq, txn, ts, peer_id, peer_seq, peer_sum)
VALUES(:device, :peer, :seq, :txn, :ts, :peer_id, :peer_seq, :peer_sum);
