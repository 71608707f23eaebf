-- Is this row of a device in the cache, and is its value large?
SELECT large FROM {cache}
WHERE is_old IN (0, 1) AND bucket = :bucket AND key = :key AND ts = :ts
  AND device = :device AND seq = :seq;
