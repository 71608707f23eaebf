-- A log is a rollback-journal database whose commits are durable.
PRAGMA synchronous = FULL;
PRAGMA journal_mode = DELETE;
PRAGMA auto_vacuum = NONE;
