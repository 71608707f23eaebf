-- Keep a large value, part by part.
INSERT INTO {large}(part, is_text, n_bytes, bytes)
SELECT seq, op, txn, value FROM kv_rows(:parts);
