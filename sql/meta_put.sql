-- Begin the first incarnation of the cache.
INSERT OR IGNORE INTO {meta}(format, id, epoch, machine)
VALUES(:format, :id, 0, :machine);
