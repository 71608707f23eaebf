-- Making, renaming and removing the shadow tables, and reading and changing their
-- rows.

-- name: meta_create
-- The cache itself, in one row: the format of its tables, its own random number
-- (id), its incarnation (epoch), the machine it is on, and whether the index by
-- time exists. Three columns are about the last sweep, which moved superseded rows
-- to the back: the last arrival then, the number of rows of all devices, and the
-- number of rows that stayed in front. The next one is the arrival of the last
-- merge, up to which typed tables have to follow; then an arrival before which
-- readers of changes have to start over, since a compaction dropped deletions of
-- that time. Then three about contested keys: how much was judged
-- (ext/contest/contest.h), how many rows all logs had when it was last done for all of
-- them, and how many there were. The last one is when history to give up was last
-- looked for (ext/compact/expire.h).
CREATE TABLE {meta}(
  format INTEGER PRIMARY KEY,
  id INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  machine TEXT NOT NULL,
  is_indexed INTEGER NOT NULL DEFAULT 0,
  swept_arrival INTEGER NOT NULL DEFAULT 0,
  swept_rows INTEGER NOT NULL DEFAULT 0,
  n_front INTEGER NOT NULL DEFAULT 0,
  merged INTEGER NOT NULL DEFAULT 0,
  dropped INTEGER NOT NULL DEFAULT 0,
  judged INTEGER NOT NULL DEFAULT 0,
  judged_rows INTEGER NOT NULL DEFAULT 0,
  n_contested INTEGER NOT NULL DEFAULT 0,
  expiry INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- name: cache_create
-- Every row of every device. The first row of a key is its latest value. A sweep
-- moves superseded rows from the front (part 0) to the back (part 1) now and then, so
-- that the front holds little more than latest values. Each typed table is a part of
-- its own, the name of its bucket. txn is NULL in rows that this cache
-- committed: it is the last_seq of their arrival. large is NULL if the value is in
-- the row; otherwise it is the number of the value in {large}.
CREATE TABLE {cache}(
  part NOT NULL,
  key NOT NULL,
  ts INTEGER NOT NULL,
  device TEXT NOT NULL,
  seq INTEGER NOT NULL,
  txn INTEGER,
  parent_ts INTEGER,
  op INTEGER NOT NULL,
  arrived INTEGER NOT NULL,
  large INTEGER,
  value,
  PRIMARY KEY(part, key, ts DESC, device DESC, seq DESC)
) WITHOUT ROWID;

-- name: arrival_create
-- The commits and merges that brought rows into this cache, in their order. Each
-- tells the numbers and the times of its rows, and kv_changes finds the rows by
-- their times.
CREATE TABLE {arrival}(
  arrived INTEGER PRIMARY KEY,
  device TEXT NOT NULL,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  first_ts INTEGER NOT NULL,
  last_ts INTEGER NOT NULL
) WITHOUT ROWID;

-- name: cursor_create
-- How far each device's log is merged, and for the own log also how far it is
-- published. holes is how many numbers up to seq a compaction left without a row.
CREATE TABLE {cursor}(
  device TEXT PRIMARY KEY,
  id BLOB,
  seq INTEGER NOT NULL,
  sum INTEGER NOT NULL,
  published_seq INTEGER,
  published_sum INTEGER,
  waiting_seq INTEGER,
  waiting_sum INTEGER,
  former_id BLOB,
  former_seq INTEGER,
  former_sum INTEGER,
  horizon INTEGER NOT NULL,
  holes INTEGER NOT NULL,
  last_ts INTEGER,
  newest INTEGER,
  clock_offset INTEGER,
  synced INTEGER,
  stamp_inode INTEGER,
  stamp_size INTEGER,
  stamp_mtime INTEGER,
  stamp_ctime INTEGER,
  state TEXT NOT NULL,
  detail TEXT
) WITHOUT ROWID;

-- name: seen_create
-- What each device had merged of the other devices' logs when it wrote: rows of
-- the logs, too (op 2), and so are those that retire a device (op 3).
CREATE TABLE {seen}(
  device TEXT NOT NULL,
  peer TEXT NOT NULL,
  seq INTEGER NOT NULL,
  txn INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  peer_id BLOB NOT NULL,
  peer_seq INTEGER NOT NULL,
  peer_sum INTEGER NOT NULL,
  op INTEGER NOT NULL,
  PRIMARY KEY(device, peer, seq)
) WITHOUT ROWID;

-- name: former_create
-- Logs that were replaced by a new log of the same device, and how far they had
-- been read. n counts them.
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
-- Large values, beside the cache: a search in the cache reads every row that it
-- compares with completely. {cache}.large is the number of a row's value.
CREATE TABLE {large}(
  id INTEGER PRIMARY KEY,
  value NOT NULL
);

-- name: contested_create
-- Keys with a value that was lost to a writer who had not seen it, and others that
-- had one and were not judged since.
CREATE TABLE {contested}(
  bucket TEXT NOT NULL,
  key NOT NULL,
  PRIMARY KEY(bucket, key)
) WITHOUT ROWID;

-- name: cache_drop
-- Remove the shadow tables.
DROP TABLE IF EXISTS {meta};
DROP TABLE IF EXISTS {cache};
DROP TABLE IF EXISTS {cursor};
DROP TABLE IF EXISTS {seen};
DROP TABLE IF EXISTS {arrival};
DROP TABLE IF EXISTS {former};
DROP TABLE IF EXISTS {large};
DROP TABLE IF EXISTS {contested};

-- name: cache_rename
-- Give the shadow tables the new name of their virtual table.
ALTER TABLE {old.meta} RENAME TO {meta.name};
ALTER TABLE {old.cache} RENAME TO {cache.name};
ALTER TABLE {old.cursor} RENAME TO {cursor.name};
ALTER TABLE {old.seen} RENAME TO {seen.name};
ALTER TABLE {old.arrival} RENAME TO {arrival.name};
ALTER TABLE {old.former} RENAME TO {former.name};
ALTER TABLE {old.large} RENAME TO {large.name};
ALTER TABLE {old.contested} RENAME TO {contested.name};

-- name: cache_keep
-- Put the rows of a cache aside, in tables of another name. The columns are those
-- of format 12 and later ones, and the rows of the cache itself are put aside by
-- one of the next two. If a later format has other columns, these stay unchanged,
-- and cache_carry converts them.
CREATE TABLE {old.arrival} AS
SELECT arrived, device, first_seq, last_seq, first_ts, last_ts FROM {arrival};
CREATE TABLE {old.cursor} AS
SELECT device, id, seq, sum, published_seq, published_sum, waiting_seq,
  waiting_sum, former_id, former_seq, former_sum, horizon, holes, last_ts,
  newest, clock_offset, synced, stamp_inode, stamp_size, stamp_mtime, stamp_ctime, state,
  detail
FROM {cursor};
CREATE TABLE {old.seen} AS
SELECT device, peer, seq, txn, ts, peer_id, peer_seq, peer_sum, op FROM {seen};
CREATE TABLE {old.former} AS
SELECT device, id, seq, sum, newest, n FROM {former};
CREATE TABLE {old.large} AS
SELECT id, value FROM {large};

-- name: cache_keep_rows
-- The rows of a cache of format 14.
CREATE TABLE {old.cache} AS
SELECT part, key, ts, device, seq, txn, parent_ts, op, arrived, large, value
FROM {cache};

-- name: cache_keep_rows_13
-- Those of format 12 or 13: is_old is 0 in front and 1 at the back, where all rows of
-- typed tables are.
CREATE TABLE {old.cache} AS
SELECT CASE bucket WHEN '' THEN is_old ELSE bucket END AS part, key, ts, device, seq,
  txn, parent_ts, op, arrived, large, value
FROM {cache};

-- name: cache_carry
-- Bring them back, into the new and empty tables. Which keys are contested is not
-- known yet.
INSERT INTO {cache}(part, key, ts, device, seq, txn, parent_ts, op, arrived, large,
  value)
SELECT part, key, ts, device, seq, txn, parent_ts, op, arrived, large, value
FROM {old.cache};
INSERT INTO {arrival}(arrived, device, first_seq, last_seq, first_ts, last_ts)
SELECT arrived, device, first_seq, last_seq, first_ts, last_ts
FROM {old.arrival};
INSERT INTO {cursor}(device, id, seq, sum, published_seq, published_sum,
  waiting_seq, waiting_sum, former_id, former_seq, former_sum, horizon, holes,
  last_ts, newest, clock_offset, synced, stamp_inode, stamp_size, stamp_mtime, stamp_ctime,
  state, detail)
SELECT device, id, seq, sum, published_seq, published_sum, waiting_seq,
  waiting_sum, former_id, former_seq, former_sum, horizon, holes, last_ts,
  newest, clock_offset, synced, stamp_inode, stamp_size, stamp_mtime, stamp_ctime, state,
  detail
FROM {old.cursor};
INSERT INTO {seen}(device, peer, seq, txn, ts, peer_id, peer_seq, peer_sum, op)
SELECT device, peer, seq, txn, ts, peer_id, peer_seq, peer_sum, op
FROM {old.seen};
INSERT INTO {former}(device, id, seq, sum, newest, n)
SELECT device, id, seq, sum, newest, n FROM {old.former};
INSERT INTO {large}(id, value) SELECT id, value FROM {old.large};
UPDATE {meta} SET judged = 0;

-- name: cache_index
-- The index by time. An index keeps its name when its table is renamed, so its
-- name has a random number, and a new table of the old name can have an index,
-- too.
CREATE INDEX {cache.index} ON {cache.name}(ts, device, seq);

-- name: cache_shape
-- Fails if a table of the cache is missing or lacks a column. Nothing is bound, so
-- no row is read.
SELECT
  (SELECT epoch OR machine OR is_indexed OR swept_arrival OR swept_rows OR n_front
     OR id OR merged OR dropped OR judged OR judged_rows OR n_contested OR expiry
   FROM {meta} WHERE format = :none),
  (SELECT key OR ts OR device OR seq OR txn OR parent_ts OR op OR arrived
     OR large OR value
   FROM {cache} WHERE part = :none),
  (SELECT id OR seq OR sum OR published_seq OR published_sum OR waiting_seq
     OR waiting_sum OR former_id OR former_seq OR former_sum OR horizon OR holes OR last_ts
     OR newest OR clock_offset OR synced OR stamp_inode OR stamp_size OR stamp_mtime OR stamp_ctime OR state OR detail
   FROM {cursor} WHERE device = :none),
  (SELECT peer OR seq OR txn OR ts OR peer_id OR peer_seq OR peer_sum OR op
   FROM {seen} WHERE device = :none),
  (SELECT device OR first_seq OR last_seq OR first_ts OR last_ts
   FROM {arrival} WHERE arrived = :none),
  (SELECT id OR seq OR sum OR newest OR n FROM {former} WHERE device = :none),
  (SELECT value FROM {large} WHERE id = :none),
  (SELECT key FROM {contested} WHERE bucket = :none);

-- name: meta_format
-- The format of this cache. A newer format has this column, too.
SELECT max(format) FROM {meta};

-- name: meta_get
-- The state of the cache. There is no row if the cache is of another format.
SELECT epoch, is_indexed, swept_arrival, swept_rows, n_front, dropped, judged,
  judged_rows, n_contested
FROM {meta} WHERE format = :format;

-- name: meta_put
-- Begin the first incarnation of the cache.
INSERT OR IGNORE INTO {meta}(format, id, epoch, machine)
VALUES(:format, :id, 0, :machine);

-- name: meta_epoch
-- Begin a new incarnation: rows were removed, so an arrival may get a number that
-- was used before. The epoch differs from the last one. If rows are left, they have
-- to be judged again.
UPDATE {meta} SET epoch = (epoch + :step) & 0xfffff, swept_arrival = -1,
  dropped = 0,
  judged = CASE WHEN EXISTS(SELECT 1 FROM {cache}) THEN 0 ELSE 2 END,
  merged = (SELECT CASE WHEN max(arrived) IS NULL THEN 0 ELSE max(arrived) END
    FROM {arrival});

-- name: meta_merged
-- Note the arrival of the last merge.
UPDATE {meta} SET merged = :arrived;

-- name: meta_expiry
-- When history to give up was last looked for.
SELECT max(expiry) FROM {meta};

-- name: meta_expiry_put
-- Note that it is looked for now.
UPDATE {meta} SET expiry = :now;

-- name: meta_indexed
-- Note that the index by time exists.
UPDATE {meta} SET is_indexed = 1;

-- name: cache_value
-- The latest value of a key that is text or a blob, without the key: it is equal
-- to the one asked for. (A number may be stored as another one: 1 as 1.0.)
SELECT NULL, op, value, large
FROM {cache}
WHERE part = 0 AND key = :key
ORDER BY ts DESC, device DESC, seq DESC;

-- name: cache_latest
-- The latest row of a key, then the others in front.
SELECT key, op, value, large, ts, device, parent_ts, seq
FROM {cache}
WHERE part = 0 AND key = :key
ORDER BY ts DESC, device DESC, seq DESC;

-- name: cache_row
-- The latest row of a key up to a time: the later one of two, from the front and
-- from the back.
SELECT key, op, value, large, ts, device, parent_ts FROM (
  SELECT key, op, value, large, ts, device, parent_ts, seq FROM (
    SELECT key, op, value, large, ts, device, parent_ts, seq FROM {cache}
    WHERE part = 0 AND key = :key AND ts <= :as_of
    ORDER BY ts DESC, device DESC, seq DESC LIMIT 1)
  UNION ALL
  SELECT key, op, value, large, ts, device, parent_ts, seq FROM (
    SELECT key, op, value, large, ts, device, parent_ts, seq FROM {cache}
    WHERE part = 1 AND key = :key AND ts <= :as_of
    ORDER BY ts DESC, device DESC, seq DESC LIMIT 1))
ORDER BY ts DESC, device DESC, seq DESC;

-- name: cache_promote
-- Rows were removed: move rows that nothing in front supersedes any more to the
-- front.
UPDATE {cache} AS o SET part = 0
WHERE o.part = 1
  AND NOT EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE n.part = 0 AND n.key = o.key
      AND (n.ts, n.device, n.seq) > (o.ts, o.device, o.seq));

-- name: cache_forget
-- Remove all rows of a device.
DELETE FROM {cache} WHERE device = :device;

-- name: seen_forget
-- Remove what a device had seen.
DELETE FROM {seen} WHERE device = :device;

-- name: arrival_forget
-- Remove the arrivals of a device's rows.
DELETE FROM {arrival} WHERE device = :device;

-- name: seen_put
-- Note how far a peer's log was merged when the transaction began.
INSERT OR REPLACE INTO {seen}
  (device, peer, seq, txn, ts, peer_id, peer_seq, peer_sum, op)
VALUES(:device, :peer, :seq, :txn, :ts, :peer_id, :peer_seq, :peer_sum, :op);

-- name: arrival_put
-- Note a commit or a merge and the rows that it brought.
INSERT OR REPLACE INTO {arrival}
  (arrived, device, first_seq, last_seq, first_ts, last_ts)
VALUES(:arrived, :device, :first_seq, :last_seq, :first_ts, :last_ts);

-- name: arrival_last
-- The number of the last commit or merge. A cursor of kv_changes has 33 bits for
-- it.
SELECT max(arrived) FROM {arrival}
WHERE arrived BETWEEN 0 AND 0x1ffffffff;

-- name: own_count
-- The number of rows of a device in the cache.
SELECT count(*) FROM {cache} WHERE device = :device;

-- name: cursor_latest
-- The latest time that counts for the clock: a horizon counts, too.
SELECT max(ts) FROM (
  SELECT last_ts AS ts FROM {cursor}
  UNION ALL SELECT horizon FROM {cursor} WHERE horizon > 0)
WHERE ts <= :limit;

-- name: cursor_rows
-- The number of rows of all logs that are merged.
SELECT sum(seq - holes) FROM {cursor};
