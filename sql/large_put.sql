-- Keep a large value, part by part.
INSERT INTO {large}(part, is_text, n_bytes, bytes)
SELECT seq, opcode, txn, value FROM kv_foreign(:parts);
