-- Begin a new incarnation of the cache: an epoch that the last one was not.
INSERT OR REPLACE INTO {meta}(format, epoch, machine, is_indexed)
VALUES(:format,
  (coalesce((SELECT max(epoch) FROM {meta}), 0) + :step) & 0xfffff,
  :machine,
  coalesce((SELECT is_indexed FROM {meta} WHERE format = :format), 0));
