-- Rows by which devices say how far they had merged each other's logs.
CREATE TABLE {seen}(
  device TEXT NOT NULL,
  peer TEXT NOT NULL,
  seq INTEGER NOT NULL,
  txn INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  peer_id BLOB NOT NULL,
  peer_seq INTEGER NOT NULL,
  peer_sum INTEGER NOT NULL,
  PRIMARY KEY(device, peer, seq)
) WITHOUT ROWID;
