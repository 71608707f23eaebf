-- Lock the cache for writing before anything is read: a reader cannot wait.
UPDATE {meta} SET machine = machine WHERE 0;
