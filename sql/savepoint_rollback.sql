-- Undo it.
ROLLBACK TO kv_sync;
