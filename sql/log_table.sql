-- The table kv_log.

-- name: declare_log
-- What SQL sees of kv_log.
CREATE TABLE kv_log(
  bucket TEXT,
  key,
  value,
  op TEXT,
  ts INTEGER,
  time TEXT,
  device TEXT,
  seq INTEGER,
  txn INTEGER,
  parent_ts INTEGER,
  store HIDDEN,
  PRIMARY KEY(device, seq)
) WITHOUT ROWID;

-- name: log_all
-- The whole history, without what is written while it is read.
SELECT c.bucket, c.key, {value c}, c.op, c.ts, c.device, c.seq,
  {transaction of c by a},
  c.parent_ts
FROM {cache} AS c
LEFT JOIN {arrival} AS a ON c.txn IS NULL AND a.arrived = c.arrived
WHERE {visible c};

-- name: log_key
-- The history of one key, in every bucket.
SELECT c.bucket, c.key, {value c}, c.op, c.ts, c.device, c.seq,
  {transaction of c by a},
  c.parent_ts
FROM {cache} AS c
LEFT JOIN {arrival} AS a ON c.txn IS NULL AND a.arrived = c.arrived
WHERE c.is_old IN (0, 1) AND c.key = :key
  AND {visible c};

-- name: log_time
-- variants: _desc
-- The history of a stretch of time, in its order.
SELECT c.bucket, c.key, {value c}, c.op, c.ts, c.device, c.seq,
  {transaction of c by a},
  c.parent_ts
FROM {cache} AS c
LEFT JOIN {arrival} AS a ON c.txn IS NULL AND a.arrived = c.arrived
WHERE c.ts BETWEEN :first AND :last
  AND {visible c}
ORDER BY c.ts {asc}, c.device {asc}, c.seq {asc};
