-- Is there a cache of this format?
SELECT epoch, is_indexed, swept_arrival, swept_rows, n_front
FROM {meta} WHERE format = :format;
