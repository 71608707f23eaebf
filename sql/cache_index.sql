-- Rows in the order of time, which is the order in which later ones win
-- (filled by sqlite3_mprintf; a number makes the name unique, as an index
-- keeps its name when the table gets another).
CREATE INDEX "%w"."%w_cache_%08x" ON "%w_cache"(ts, device, seq);
