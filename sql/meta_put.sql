-- Begin a new incarnation of the cache.
INSERT OR REPLACE INTO {meta}(format, epoch, machine)
VALUES(:format, :epoch, :machine);
