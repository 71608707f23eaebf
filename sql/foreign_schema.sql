-- What a file says its tables are; a log has two.
SELECT type, name, tbl_name, sql FROM sqlite_master;
