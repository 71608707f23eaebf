-- Connect a virtual table by naming it (filled by sqlite3_mprintf).
SELECT key FROM "%w";
