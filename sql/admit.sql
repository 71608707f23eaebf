-- Deciding whether a file, which may hold anything, is a log.

-- name: foreign_schema
-- The tables of a file. A log has two.
SELECT type, name, tbl_name, sql FROM sqlite_master;

-- name: foreign_device
-- Whose log it is. All columns are read, so that a limit on sizes applies to each.
SELECT name, id, host, created, base_seq, base_sum, former_id, former_seq,
  former_sum, horizon
FROM device;
