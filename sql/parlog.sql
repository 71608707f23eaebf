-- A log of a PARStore 1, which Core Data wrote.

-- name: parstore_tables
-- The tables that a file says it has.
SELECT name, sql FROM sqlite_master WHERE type = 'table';

-- name: parstore_columns
-- The columns of the log: name, primary key and hidden are 1, 5 and 6.
PRAGMA table_xinfo(ZLOG);

-- name: parstore_rows
-- The rows of the log. Its indexes may be damaged, and are not needed.
SELECT Z_PK, ZKEY, ZBLOB, ZTIMESTAMP, ZPARENTTIMESTAMP
FROM ZLOG NOT INDEXED ORDER BY Z_PK;

-- name: parstore_rows_old
-- The same before March 2013, when there were no parents.
SELECT Z_PK, ZKEY, ZBLOB, ZTIMESTAMP, NULL
FROM ZLOG NOT INDEXED ORDER BY Z_PK;
