-- Begin the merge of one device's log.
SAVEPOINT kv_sync;
