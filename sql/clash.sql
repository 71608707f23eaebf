-- Rows of typed tables that two processes of a device changed.

-- name: clash_rows
-- The rows of the running transaction whose keys have rows that were merged after
-- it began. What two processes declare (#schema) is no clash.
SELECT o.part, o.key, o.op, {value o}
FROM {cache} AS o
WHERE o.part > '' AND o.part <> '#schema' AND o.device = :self AND o.arrived = :arrived
  AND EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE n.part = o.part AND n.key = o.key
      AND n.arrived > :arrived);
