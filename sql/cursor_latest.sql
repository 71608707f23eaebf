-- The greatest time that counts for the clock.
SELECT max(last_ts) FROM {cursor} WHERE last_ts <= :limit;
