-- The typed tables of a store.

-- name: buckets_names
-- The buckets that have rows, or that a device has declared.
SELECT e.part FROM {every part} AS e
WHERE e.part > '' AND (e.part < '#' OR e.part >= '$')
UNION
SELECT key FROM {cache}
WHERE part = '#schema' AND typeof(key) = 'text' AND key > ''
ORDER BY 1;

-- name: buckets_count
-- How many rows of the log a bucket has.
SELECT count(*) FROM {cache} WHERE part = :bucket;

-- name: buckets_rows
-- How many rows are shown, and hidden.
SELECT (SELECT count(*) FROM {data}),
  (SELECT count(*) FROM {hidden} WHERE is_hidden);

-- name: buckets_records
-- What was written of a bucket.
SELECT {value c} FROM {cache} AS c
WHERE c.part = :bucket AND c.op = 1;

-- name: buckets_declared
-- What each device declared last, the newest first.
SELECT c.device, c.ts, {value c} FROM {cache} AS c
WHERE c.part = '#schema' AND c.key = :bucket AND c.op = 1
  AND NOT EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE n.part = '#schema' AND n.key = c.key
      AND n.device = c.device AND (n.ts, n.seq) > (c.ts, c.seq))
ORDER BY c.ts DESC, c.device DESC;
