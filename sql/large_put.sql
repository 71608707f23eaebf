-- Keep a large value, part by part. FAIL, as then there is no statement journal
-- (https://www.sqlite.org/tempfiles.html#stmtjrnl).
INSERT OR FAIL INTO {large}(part, is_text, n_bytes, bytes)
SELECT seq, opcode, txn, value FROM kv_foreign(:parts);
