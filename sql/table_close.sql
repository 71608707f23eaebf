-- Close it (filled by sqlite3_mprintf).
DROP TABLE temp."%w";
