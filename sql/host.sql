-- What the host offers, and how a log file is opened.

-- name: loaded
-- Succeeds if the extension is already loaded into this connection.
SELECT kv_version();

-- name: functions
-- All functions of this connection. It reads no database.
PRAGMA function_list;

-- name: handle_harden
-- Settings for a handle on a log file. A host may have been built with other
-- defaults.
PRAGMA mmap_size = 0;
PRAGMA cell_size_check = ON;

-- name: log_quick_check
-- Are the pages of a log intact?
PRAGMA quick_check(1);
