-- Writing one change of one key into the cache.

-- name: encoding
-- The encoding of text in the host's database.
PRAGMA encoding;

-- name: echo
-- A text as the host's database would keep it.
SELECT :text;

-- name: cache_put_two
-- Rename a key: delete one and set another.
INSERT OR REPLACE INTO {cache}
  (part, key, ts, device, seq, parent_ts, op, arrived, large, value)
VALUES(0, :key1, :ts1, :device, :seq1, :parent1, 0, :arrived, NULL, NULL),
      (0, :key2, :ts2, :device, :seq2, :parent2, 1, :arrived, :large,
       :value);
