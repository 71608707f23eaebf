-- The tables behind a typed table. Their columns are declared by the user: {columns},
-- {values}, {assignments}, {key}, {match}, {definition} and others stand for what is
-- made of them (tables/typed.c).

-- name: declare_typed
-- What SQL sees: the {defined} columns, and the hidden ones.
CREATE TABLE typed(
{defined},
  {as_of} HIDDEN,
  _key HIDDEN,
  _assign HIDDEN,
  {stamps},
  PRIMARY KEY({row_key})
) WITHOUT ROWID;

-- name: typed_create
-- The rows as they are shown; keys whose rows are hidden, or are not whole, and
-- why; and what the table has followed. An epoch of -1 has it made again.
CREATE TABLE {data}{definition};
CREATE TABLE {hidden}(
  key NOT NULL PRIMARY KEY,
  rule TEXT NOT NULL,
  column_name TEXT,
  detail TEXT,
  is_hidden INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE {meta}(
  store TEXT NOT NULL,
  bucket TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  merged INTEGER NOT NULL
);

-- name: typed_is_taken
-- Does an index or table have this name?
SELECT 1 FROM {schema}.sqlite_master WHERE name = :name COLLATE NOCASE LIMIT 1;

-- name: typed_triggers
-- Are there triggers on the rows?
SELECT EXISTS(SELECT 1 FROM {schema}.sqlite_master
              WHERE type = 'trigger' AND tbl_name = :name1 COLLATE NOCASE)
  OR EXISTS(SELECT 1 FROM temp.sqlite_master
            WHERE type = 'trigger' AND tbl_name = :name2 COLLATE NOCASE);

-- name: typed_create_index
-- An index on declared columns.
CREATE INDEX {schema}.{number} ON {data.name}({columns});

-- name: typed_drop
-- Remove them.
DROP TABLE IF EXISTS {data};
DROP TABLE IF EXISTS {hidden};
DROP TABLE IF EXISTS {meta};

-- name: typed_rename
-- Give them the new name of their table.
ALTER TABLE {old.data} RENAME TO {data.name};
ALTER TABLE {old.hidden} RENAME TO {hidden.name};
ALTER TABLE {old.meta} RENAME TO {meta.name};

-- name: typed_meta_put
-- A new table has followed nothing.
INSERT INTO {meta}(store, bucket, epoch, merged)
VALUES(:store, :bucket, -1, 0);

-- name: typed_meta_get
-- What it has followed, and of which store.
SELECT store, bucket, epoch, merged FROM {meta};

-- name: typed_meta_set
-- It has followed the cache up to a merge.
UPDATE {meta} SET epoch = :epoch, merged = :merged;

-- name: typed_meta_store
-- Its store has another name.
UPDATE {meta} SET store = :store;

-- name: typed_literal
-- The value of a default.
SELECT {literal};

-- name: typed_put
-- A row, new or not. Triggers see it as INSERT or UPDATE.
INSERT INTO {data}({columns}) VALUES({values})
ON CONFLICT({key}) DO UPDATE SET {assignments};

-- name: typed_delete
-- Take a row away.
DELETE FROM {data} WHERE {match};

-- name: typed_hide
-- List a key.
INSERT OR REPLACE INTO {hidden}(key, rule, column_name, detail, is_hidden)
VALUES(:key, :rule, :column, :detail, :is_hidden);

-- name: typed_has_hidden
-- Are keys listed?
SELECT EXISTS(SELECT 1 FROM {hidden});

-- name: typed_show
-- List it no longer.
DELETE FROM {hidden} WHERE key = :key;

-- name: typed_clear
-- Make it again from nothing.
DELETE FROM {data};
DELETE FROM {hidden};
