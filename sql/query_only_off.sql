-- What was written before the host forbade it has to reach the cache.
PRAGMA query_only = 0;
