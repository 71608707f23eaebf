-- The table kv.

-- name: declare_kv
-- What SQL sees of kv.
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
-- The keys from a bound on, the latest row of each first.
SELECT key, op, value, large, ts, device, parent_ts
FROM {cache}
WHERE is_old = 0 AND key >= :low
ORDER BY key, ts DESC, device DESC, seq DESC;

-- name: scan_to
-- All rows of the keys between two bounds, the latest of each key first.
SELECT key, op, value, large, ts, device, parent_ts
FROM {cache}
WHERE is_old = 0 AND key >= :low AND key <= :high
ORDER BY key, ts DESC, device DESC, seq DESC;

-- name: scan_desc
-- The same backwards: the latest row of each key last.
SELECT key, op, value, large, ts, device, parent_ts
FROM {cache}
WHERE is_old = 0 AND key >= :low
ORDER BY key DESC, ts, device, seq;

-- name: scan_to_desc
-- Between two bounds backwards: the latest row of each key last.
SELECT key, op, value, large, ts, device, parent_ts
FROM {cache}
WHERE is_old = 0 AND key >= :low AND key <= :high
ORDER BY key DESC, ts, device, seq;

-- name: scan_value
-- All rows of the keys from a bound on, with no more than their values.
SELECT key, op, value, large
FROM {cache}
WHERE is_old = 0 AND key >= :low
  AND kv_batch(:batch, key, CASE WHEN value IS NOT NULL THEN value
    WHEN op = 0 THEN :batch END, large)
ORDER BY key, ts DESC, device DESC, seq DESC;

-- name: scan_value_to
-- All rows of the keys between two bounds, with no more than their values.
SELECT key, op, value, large
FROM {cache}
WHERE is_old = 0 AND key >= :low AND key <= :high
  AND kv_batch(:batch, key, CASE WHEN value IS NOT NULL THEN value
    WHEN op = 0 THEN :batch END, large)
ORDER BY key, ts DESC, device DESC, seq DESC;

-- name: scan_as_of
-- Rows up to a time, in front and in the back, of the keys from a bound on,
-- the latest of each key first.
SELECT key, op, value, large, ts, device, parent_ts, seq FROM {cache}
WHERE is_old = 0 AND key >= :low AND ts <= :as_of
UNION ALL
SELECT key, op, value, large, ts, device, parent_ts, seq FROM {cache}
WHERE is_old = 1 AND bucket = '' AND key >= :low AND ts <= :as_of
ORDER BY 1, 5 DESC, 6 DESC, 8 DESC;

-- name: scan_as_of_to
-- Rows up to a time, in front and in the back, of the keys between two bounds,
-- the latest of each key first.
SELECT key, op, value, large, ts, device, parent_ts, seq FROM {cache}
WHERE is_old = 0 AND key >= :low AND key <= :high AND ts <= :as_of
UNION ALL
SELECT key, op, value, large, ts, device, parent_ts, seq FROM {cache}
WHERE is_old = 1 AND bucket = '' AND key >= :low AND key <= :high AND ts <= :as_of
ORDER BY 1, 5 DESC, 6 DESC, 8 DESC;

-- name: scan_as_of_desc
-- Rows up to a time, in front and in the back, of the keys from a bound on,
-- the latest of each key last, backwards.
SELECT key, op, value, large, ts, device, parent_ts, seq FROM {cache}
WHERE is_old = 0 AND key >= :low AND ts <= :as_of
UNION ALL
SELECT key, op, value, large, ts, device, parent_ts, seq FROM {cache}
WHERE is_old = 1 AND bucket = '' AND key >= :low AND ts <= :as_of
ORDER BY 1 DESC, 5, 6, 8;

-- name: scan_as_of_to_desc
-- Rows up to a time, in front and in the back, of the keys between two bounds,
-- the latest of each key last, backwards.
SELECT key, op, value, large, ts, device, parent_ts, seq FROM {cache}
WHERE is_old = 0 AND key >= :low AND key <= :high AND ts <= :as_of
UNION ALL
SELECT key, op, value, large, ts, device, parent_ts, seq FROM {cache}
WHERE is_old = 1 AND bucket = '' AND key >= :low AND key <= :high AND ts <= :as_of
ORDER BY 1 DESC, 5, 6, 8;

-- name: scan_time
-- Keys whose latest row is of a stretch of time, in its order.
SELECT c.key, c.op, c.value, c.large, c.ts, c.device, c.parent_ts
FROM {cache} AS c
WHERE c.ts BETWEEN :first AND :last AND +c.bucket = '' AND c.op = 1
  AND (c.device IS NOT :self OR c.seq <= :until)
  AND NOT EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE n.is_old IN (0, 1) AND n.bucket = c.bucket AND n.key = c.key
      AND (n.ts, n.device, n.seq) > (c.ts, c.device, c.seq)
      AND (n.device IS NOT :self OR n.seq <= :until))
ORDER BY c.ts, c.device, c.seq;

-- name: scan_time_desc
-- Keys whose latest row is of a stretch of time, backwards.
SELECT c.key, c.op, c.value, c.large, c.ts, c.device, c.parent_ts
FROM {cache} AS c
WHERE c.ts BETWEEN :first AND :last AND +c.bucket = '' AND c.op = 1
  AND (c.device IS NOT :self OR c.seq <= :until)
  AND NOT EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE n.is_old IN (0, 1) AND n.bucket = c.bucket AND n.key = c.key
      AND (n.ts, n.device, n.seq) > (c.ts, c.device, c.seq)
      AND (n.device IS NOT :self OR n.seq <= :until))
ORDER BY c.ts DESC, c.device DESC, c.seq DESC;

-- name: key_is_old
-- Was a key written before a scan began? By others, or up to an own row.
SELECT 1 FROM {cache}
WHERE is_old IN (0, 1) AND bucket = '' AND key = :key AND (device IS NOT :self OR seq <= :until)
LIMIT 1;
