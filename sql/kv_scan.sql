-- The table kv: its columns, and what its cursors read.

-- name: declare_kv
-- The columns of kv.
CREATE TABLE kv(
  key PRIMARY KEY NOT NULL,
  value,
  as_of HIDDEN,
  ts INTEGER HIDDEN,
  time TEXT HIDDEN,
  device TEXT HIDDEN,
  parent_ts INTEGER HIDDEN
) WITHOUT ROWID;

-- name: scan
-- variants: _to _desc _to_desc
-- The rows in front of all keys from :low on, the latest row of each key first.
-- scan_to ends at the key :high. scan_desc goes backwards, so that the latest row
-- of each key comes last.
SELECT key, op, value, large, ts, device, parent_ts
FROM {cache}
WHERE part = 0 AND key >= :low {to: AND key <= :high}
ORDER BY key {asc}, ts {desc}, device {desc}, seq {desc};

-- name: scan_value
-- variants: _to
-- Like scan, for a query that needs only keys and values. kv_batch() keeps rows
-- for the cursor and is true only when it has enough, so that one step reads many
-- rows.
SELECT key, op, value, large
FROM {cache}
WHERE part = 0 AND key >= :low {to: AND key <= :high}
  AND kv_batch(:batch, key, CASE WHEN value IS NOT NULL THEN value
    WHEN op = 0 THEN :batch END, large)
ORDER BY key, ts DESC, device DESC, seq DESC;

-- name: scan_as_of
-- variants: _to _desc _to_desc
-- Like scan, with all rows up to a time, from the front and from the back.
SELECT key, op, value, large, ts, device, parent_ts, seq FROM {cache}
WHERE part = 0 AND key >= :low {to: AND key <= :high} AND ts <= :as_of
UNION ALL
SELECT key, op, value, large, ts, device, parent_ts, seq FROM {cache}
WHERE part = 1 AND key >= :low {to: AND key <= :high} AND ts <= :as_of
ORDER BY 1 {asc}, 5 {desc}, 6 {desc}, 8 {desc};

-- name: scan_time
-- variants: _desc
-- The keys whose latest row is of a stretch of time, in the order of time.
SELECT c.key, c.op, c.value, c.large, c.ts, c.device, c.parent_ts
FROM {cache} AS c
WHERE c.ts BETWEEN :first AND :last AND +c.part IN (0, 1) AND c.op = 1
  AND {visible c}
  AND {latest c}
ORDER BY c.ts {asc}, c.device {asc}, c.seq {asc};

-- name: key_is_old
-- Did the key have a row when the scan began: one of another device, or an own
-- row up to that number?
SELECT 1 FROM {cache}
WHERE part IN (0, 1) AND key = :key AND (device IS NOT :self OR seq <= :until)
LIMIT 1;
