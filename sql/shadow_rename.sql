-- Rename a shadow table after its virtual table (filled by sqlite3_mprintf).
ALTER TABLE "%w"."%w_%s" RENAME TO "%w_%s";
