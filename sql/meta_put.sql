-- Begin the first incarnation of the cache.
INSERT OR IGNORE INTO {meta}(format, epoch, machine)
VALUES(:format, 0, :machine);
