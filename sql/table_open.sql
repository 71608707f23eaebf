-- Open a store as a temporary virtual table (filled by sqlite3_mprintf).
CREATE VIRTUAL TABLE temp."%w" USING kv(%s);
