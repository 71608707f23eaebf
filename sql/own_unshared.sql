-- Rows of a device that writes under another name now, which the folder does
-- not have: the last of each key, unless the folder has a later one (filled
-- by sqlite3_mprintf: twice the old cache, then the new one).
SELECT o.key, o.value, o.op
FROM "%w"."%w_cache" AS o
WHERE o.bucket = '' AND o.device = :device
  AND NOT EXISTS(
    SELECT 1 FROM "%w"."%w_cache" AS p
    WHERE p.is_old IN (0, 1) AND p.bucket = '' AND p.key = o.key AND p.device = o.device
      AND p.ts > o.ts)
  AND NOT EXISTS(
    SELECT 1 FROM "%w"."%w_cache" AS n
    WHERE n.is_old IN (0, 1) AND n.bucket = '' AND n.key = o.key
      AND (n.ts > o.ts
           OR (n.device IN (o.device, :heir) AND n.op = o.op
               AND n.value IS o.value)))
ORDER BY o.seq;
