-- What a twin could not share, for the store that goes on in its place.

-- name: own_unshared
-- Rows that a device wrote but could not share, for the store that goes on under
-- another name (:heir): the last row of each key, unless the folder has a later
-- one, or the heir has written the same.
SELECT o.key, {old.value o}, o.op
FROM {old.cache} AS o
WHERE o.part IN (0, 1) AND o.device = :device
  AND NOT EXISTS(
    SELECT 1 FROM {old.cache} AS p
    WHERE {rows p of o} AND p.device = o.device AND p.ts > o.ts)
  AND NOT EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE {rows n of o}
      AND (n.ts > o.ts
           OR (n.device IN (o.device, :heir) AND n.op = o.op
               AND {value n} IS {old.value o})))
ORDER BY o.seq;
