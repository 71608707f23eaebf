-- The shadow tables: made, dropped, renamed; and their rows.

-- name: meta_create
-- The cache itself: its format, its number among all caches (id), its
-- incarnation (epoch), the machine it is on, whether the index by time is
-- there, and when superseded rows were moved to the back last: the arrival, the
-- rows of all devices, those left in front.
CREATE TABLE {meta}(
  format INTEGER PRIMARY KEY,
  id INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  machine TEXT NOT NULL,
  is_indexed INTEGER NOT NULL DEFAULT 0,
  swept_arrival INTEGER NOT NULL DEFAULT 0,
  swept_rows INTEGER NOT NULL DEFAULT 0,
  n_front INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- name: cache_create
-- Every row of every device; the first row of a key is its latest value. Rows
-- that have been superseded are moved to the back now and then (is_old): what
-- is in front is about the latest values. Rows of other buckets, which kv does
-- not show, are in the back from the start.
-- txn is NULL in rows that this cache committed: the last_seq of their arrival.
-- large is NULL in rows that have their value with them, else the number of its
-- first part.
CREATE TABLE {cache}(
  is_old INTEGER NOT NULL DEFAULT 0,
  key NOT NULL,
  ts INTEGER NOT NULL,
  device TEXT NOT NULL,
  seq INTEGER NOT NULL,
  bucket TEXT NOT NULL,
  txn INTEGER,
  parent_ts INTEGER,
  op INTEGER NOT NULL,
  arrived INTEGER NOT NULL,
  large INTEGER,
  value,
  PRIMARY KEY(is_old, key, ts DESC, device DESC, seq DESC, bucket)
) WITHOUT ROWID;

-- name: arrival_create
-- The commits and merges that brought rows into this cache, in order, each
-- with the times of its rows, by which they are found.
CREATE TABLE {arrival}(
  arrived INTEGER PRIMARY KEY,
  device TEXT NOT NULL,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  first_ts INTEGER NOT NULL,
  last_ts INTEGER NOT NULL
) WITHOUT ROWID;

-- name: cursor_create
-- How far each device's log is merged; for the own one also published.
CREATE TABLE {cursor}(
  device TEXT PRIMARY KEY,
  id BLOB,
  seq INTEGER NOT NULL,
  sum INTEGER NOT NULL,
  published_seq INTEGER,
  published_sum INTEGER,
  waiting_seq INTEGER,
  waiting_sum INTEGER,
  last_ts INTEGER,
  newest INTEGER,
  clock_offset INTEGER,
  synced INTEGER,
  stamp BLOB,
  state TEXT NOT NULL,
  detail TEXT
) WITHOUT ROWID;

-- name: seen_create
-- Rows by which devices say how far they had merged each other's logs.
CREATE TABLE {seen}(
  device TEXT NOT NULL,
  peer TEXT NOT NULL,
  seq INTEGER NOT NULL,
  txn INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  peer_id BLOB NOT NULL,
  peer_seq INTEGER NOT NULL,
  peer_sum INTEGER NOT NULL,
  PRIMARY KEY(device, peer, seq)
) WITHOUT ROWID;

-- name: former_create
-- Logs that another one of the same device took the place of, and up to where
-- they had been read; n grows.
CREATE TABLE {former}(
  device TEXT NOT NULL,
  id BLOB NOT NULL,
  seq INTEGER NOT NULL,
  sum INTEGER NOT NULL,
  newest INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY(device, id)
) WITHOUT ROWID;

-- name: large_create
-- Large values, beside the cache: a search in that reads each row whole that it
-- compares with. A value is cut into parts, which are numbered from
-- {cache}.large on.
CREATE TABLE {large}(
  part INTEGER PRIMARY KEY,
  is_text INTEGER NOT NULL,
  n_bytes INTEGER NOT NULL,
  bytes BLOB NOT NULL
);

-- name: cache_drop
-- Remove the shadow tables.
DROP TABLE IF EXISTS {meta};
DROP TABLE IF EXISTS {cache};
DROP TABLE IF EXISTS {cursor};
DROP TABLE IF EXISTS {seen};
DROP TABLE IF EXISTS {arrival};
DROP TABLE IF EXISTS {former};
DROP TABLE IF EXISTS {large};

-- name: cache_rename
-- Rename the shadow tables after their virtual table.
ALTER TABLE {old.meta} RENAME TO {meta.name};
ALTER TABLE {old.cache} RENAME TO {cache.name};
ALTER TABLE {old.cursor} RENAME TO {cursor.name};
ALTER TABLE {old.seen} RENAME TO {seen.name};
ALTER TABLE {old.arrival} RENAME TO {arrival.name};
ALTER TABLE {old.former} RENAME TO {former.name};
ALTER TABLE {old.large} RENAME TO {large.name};

-- name: cache_index
-- The index by time, in which later rows win over those before them. Its name has a
-- number, because an index keeps its name when its table gets another.
CREATE INDEX {cache.index} ON {cache.name}(ts, device, seq);

-- name: cache_shape
-- Are all tables of the cache there, with all their columns? It reads no row, as
-- nothing is bound.
SELECT
  (SELECT epoch OR machine OR is_indexed OR swept_arrival OR swept_rows OR n_front
     OR id
   FROM {meta} WHERE format = :none),
  (SELECT key OR ts OR device OR seq OR bucket OR txn OR parent_ts OR op OR arrived
     OR large OR value
   FROM {cache} WHERE is_old = :none),
  (SELECT id OR seq OR sum OR published_seq OR published_sum OR waiting_seq
     OR waiting_sum OR last_ts OR newest OR clock_offset OR synced OR stamp
     OR state OR detail
   FROM {cursor} WHERE device = :none),
  (SELECT peer OR seq OR txn OR ts OR peer_id OR peer_seq OR peer_sum
   FROM {seen} WHERE device = :none),
  (SELECT device OR first_seq OR last_seq OR first_ts OR last_ts
   FROM {arrival} WHERE arrived = :none),
  (SELECT id OR seq OR sum OR newest OR n FROM {former} WHERE device = :none),
  (SELECT is_text OR n_bytes OR bytes FROM {large} WHERE part = :none);

-- name: meta_format
-- The format of the cache that is there; a newer one has this column, too.
SELECT max(format) FROM {meta};

-- name: meta_get
-- Is there a cache of this format?
SELECT epoch, is_indexed, swept_arrival, swept_rows, n_front
FROM {meta} WHERE format = :format;

-- name: meta_put
-- Begin the first incarnation of the cache.
INSERT OR IGNORE INTO {meta}(format, id, epoch, machine)
VALUES(:format, :id, 0, :machine);

-- name: meta_epoch
-- Begin another incarnation: an epoch that the last one was not. Rows were
-- taken away, so numbers of arrivals may come again.
UPDATE {meta} SET epoch = (epoch + :step) & 0xfffff, swept_arrival = -1;

-- name: meta_indexed
-- The index by time is there.
UPDATE {meta} SET is_indexed = 1;

-- name: cache_value
-- The latest value of a key that is text or a blob: it is the one that was
-- asked for. (A number may be stored as another one, 1 and 1.0.)
SELECT NULL, op, value, large
FROM {cache}
WHERE is_old = 0 AND key = :key
ORDER BY ts DESC, device DESC, seq DESC;

-- name: cache_latest
-- The latest row of a key.
SELECT key, op, value, large, ts, device, parent_ts, seq
FROM {cache}
WHERE is_old = 0 AND key = :key
ORDER BY ts DESC, device DESC, seq DESC;

-- name: cache_row
-- The latest row of a key up to a time: that in front or that in the back.
SELECT key, op, value, large, ts, device, parent_ts FROM (
  SELECT key, op, value, large, ts, device, parent_ts, seq FROM (
    SELECT key, op, value, large, ts, device, parent_ts, seq FROM {cache}
    WHERE is_old = 0 AND key = :key AND ts <= :as_of
    ORDER BY ts DESC, device DESC, seq DESC LIMIT 1)
  UNION ALL
  SELECT key, op, value, large, ts, device, parent_ts, seq FROM (
    SELECT key, op, value, large, ts, device, parent_ts, seq FROM {cache}
    WHERE is_old = 1 AND bucket = '' AND key = :key AND ts <= :as_of
    ORDER BY ts DESC, device DESC, seq DESC LIMIT 1))
ORDER BY ts DESC, device DESC, seq DESC;

-- name: cache_promote
-- Rows were taken away: move those to the front that nothing in front
-- supersedes any more.
UPDATE {cache} AS o SET is_old = 0
WHERE o.is_old = 1 AND o.bucket = ''
  AND NOT EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE n.is_old = 0 AND n.key = o.key
      AND (n.ts, n.device, n.seq) > (o.ts, o.device, o.seq));

-- name: cache_forget
-- Forget all rows of a device.
DELETE FROM {cache} WHERE device = :device;

-- name: seen_forget
-- Forget what a device had seen.
DELETE FROM {seen} WHERE device = :device;

-- name: arrival_forget
-- The rows of a device have no arrivals any more.
DELETE FROM {arrival} WHERE device = :device;

-- name: seen_put
-- Say how far a peer's log was merged when a transaction began.
INSERT OR REPLACE INTO {seen}
  (device, peer, seq, txn, ts, peer_id, peer_seq, peer_sum)
VALUES(:device, :peer, :seq, :txn, :ts, :peer_id, :peer_seq, :peer_sum);

-- name: arrival_put
-- A commit or merge brought rows of a device.
INSERT OR REPLACE INTO {arrival}
  (arrived, device, first_seq, last_seq, first_ts, last_ts)
VALUES(:arrived, :device, :first_seq, :last_seq, :first_ts, :last_ts);

-- name: arrival_last
-- The number of the last commit or merge; a cursor of changes has 33 bits.
SELECT max(arrived) FROM {arrival}
WHERE arrived BETWEEN 0 AND 0x1ffffffff;

-- name: own_count
-- How many rows of a device are in the cache.
SELECT count(*) FROM {cache} WHERE device = :device;

-- name: cursor_latest
-- The greatest time that counts for the clock.
SELECT max(last_ts) FROM {cursor} WHERE last_ts <= :limit;

-- name: cursor_rows
-- How many rows all logs have, as far as they are merged.
SELECT sum(seq) FROM {cursor};
