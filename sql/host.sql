-- What the host offers, and how a log file is opened.

-- name: loaded
-- Succeeds if the extension is loaded into this connection already.
SELECT kv_version();

-- name: functions
-- All functions of this connection. It reads no database.
PRAGMA function_list;

-- name: handle_harden
-- Settings of a handle on a log file that a host's defaults may differ from.
PRAGMA mmap_size = 0;
PRAGMA cell_size_check = ON;

-- name: log_quick_check
-- Are the pages of a log whole?
PRAGMA quick_check(1);
