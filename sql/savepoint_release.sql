-- Keep it.
RELEASE kv_sync;
