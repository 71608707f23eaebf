-- The format of the cache that is there; a newer one has this column, too.
SELECT max(format) FROM {meta};
