-- Is there any table or view of this name? (filled by sqlite3_mprintf)
SELECT 1 FROM "%w";
