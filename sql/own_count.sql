-- How many rows of a device are in the cache.
SELECT count(*) FROM {cache} WHERE device = :device;
