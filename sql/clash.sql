-- Rows of typed tables that two processes of a device changed.

-- name: clash_rows
-- The rows of the running transaction whose keys have rows that were merged after
-- it began. What two processes declare (#schema) is no clash.
SELECT o.bucket, o.key, o.op, {value o}
FROM {cache} AS o
WHERE o.is_old = 1 AND o.bucket > '' AND o.bucket <> '#schema' AND o.device = :self AND o.arrived = :arrived
  AND EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE n.is_old = 1 AND n.bucket = o.bucket AND n.key = o.key
      AND n.arrived > :arrived);
