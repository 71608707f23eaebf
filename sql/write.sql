-- One change of one key into the cache.

-- name: encoding
-- How the host's database keeps text.
PRAGMA encoding;

-- name: echo
-- A text as this database keeps it.
SELECT :text;

-- name: cache_put
-- Set or delete a key; a row of the same transaction is replaced.
INSERT OR REPLACE INTO {cache}
  (bucket, key, ts, device, seq, parent_ts, op, arrived, large, value)
VALUES('', :key, :ts, :device, :seq, :parent_ts, :op, :arrived, :large,
  :value);

-- name: cache_put_two
-- Delete one key and set another: the renaming of a key.
INSERT OR REPLACE INTO {cache}
  (bucket, key, ts, device, seq, parent_ts, op, arrived, large, value)
VALUES('', :key1, :ts1, :device, :seq1, :parent1, 0, :arrived, NULL, NULL),
      ('', :key2, :ts2, :device, :seq2, :parent2, 1, :arrived, :large,
       :value);

-- name: cache_put_late
-- Set or delete many keys, in their order. IGNORE, as then there is no statement
-- journal (https://www.sqlite.org/tempfiles.html#stmtjrnl): it would begin that
-- of an enclosing statement, too, which is to begin behind these rows.
INSERT OR IGNORE INTO {cache}
  (bucket, key, ts, device, seq, parent_ts, op, arrived, value)
SELECT '', key, ts, :device, seq, parent_ts, op, :arrived, value
FROM kv_rows(:rows);
