-- Writing the own log file.

-- name: log_begin
-- Lock the log against all other processes.
BEGIN EXCLUSIVE;

-- name: log_durable
-- A log is a database with a rollback journal, and its commits are durable. A new
-- one has pages of 4,096 bytes, whatever the default of this SQLite is.
PRAGMA synchronous = FULL;
PRAGMA page_size = 4096;
PRAGMA journal_mode = DELETE;
PRAGMA auto_vacuum = NONE;

-- name: log_format
-- What marks a file as a log.
PRAGMA encoding = 'UTF-8';
PRAGMA application_id = 0x4b564c47;
PRAGMA user_version = 2;

-- name: log_create_device
-- Whose log it is, in one row.
CREATE TABLE device(
  name TEXT,
  id BLOB,
  host TEXT,
  created INTEGER,
  base_seq INTEGER,
  base_sum INTEGER,
  former_id BLOB,
  former_seq INTEGER,
  former_sum INTEGER,
  horizon INTEGER,
  algo TEXT
);

-- name: log_create_log
-- The rows of a log. Rows are appended and never change.
CREATE TABLE log(
  seq INTEGER PRIMARY KEY,
  txn INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  parent_ts INTEGER,
  op INTEGER NOT NULL,
  bucket TEXT NOT NULL,
  key NOT NULL,
  value,
  sum INTEGER NOT NULL
);

-- name: log_put_device
-- Note whose log it is.
INSERT INTO device(name, id, host, created, base_seq, base_sum, former_id,
  former_seq, former_sum, horizon, algo)
VALUES(:name, :id, :host, :created, :base_seq, :base_sum, :former_id,
  :former_seq, :former_sum, :horizon, 'xxh3-64');

-- name: log_take_over
-- Note that another machine writes this log from now on.
UPDATE device SET host = :host;

-- name: log_commit
-- Publish what was appended.
COMMIT;

-- name: log_empty
-- The rows of the log are elsewhere: remove them here. A library that overwrites what
-- is deleted (as Debian's) would write each page twice, to the journal and as zeros.
PRAGMA secure_delete = OFF;
DELETE FROM log;

-- name: log_is_emptied
-- Are none of these left, as if their removal was cut off?
SELECT NOT EXISTS(
  SELECT 1 FROM log WHERE seq <= (SELECT base_seq FROM device));

-- name: log_restart
-- Go on behind them, maybe as another generation.
UPDATE device SET id = :id, base_seq = :base_seq, base_sum = :base_sum,
  former_id = :former_id, former_seq = :former_seq, former_sum = :former_sum,
  horizon = :horizon;
