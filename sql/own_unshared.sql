-- Rows of a device that writes under another name now, which the folder does
-- not have: the last of each key, unless the folder has a later one (filled
-- by sqlite3_mprintf: three times the old store, twice the new one, the old).
SELECT o.key,
  CASE WHEN o.large IS NULL THEN o.value ELSE (
    SELECT kv_join(l.part, l.is_text, l.n_bytes, l.bytes)
    FROM "%w"."%w_large" AS l
    WHERE l.part BETWEEN o.large AND o.large + 0x7fff) END,
  o.op
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
               AND
               CASE WHEN n.large IS NULL THEN n.value ELSE (
                 SELECT kv_join(l.part, l.is_text, l.n_bytes, l.bytes)
                 FROM "%w"."%w_large" AS l
                 WHERE l.part BETWEEN n.large AND n.large + 0x7fff) END
               IS
               CASE WHEN o.large IS NULL THEN o.value ELSE (
                 SELECT kv_join(l.part, l.is_text, l.n_bytes, l.bytes)
                 FROM "%w"."%w_large" AS l
                 WHERE l.part BETWEEN o.large AND o.large + 0x7fff) END)))
ORDER BY o.seq;
