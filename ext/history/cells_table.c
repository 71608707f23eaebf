/*
** The table-valued function kv_history: every cell that was written to the rows of
** a typed table, and every insert and delete.
**
**     SELECT * FROM kv_history('accounts');
**     SELECT * FROM kv_history('accounts', 'x');
**
** The name is that of a typed table; or that of a bucket, whose table need not be
** declared here.
*/
#include <string.h>

#include "connection/find.h"
#include "connection/find_typed.h"
#include "db/error.h"
#include "history.h"
#include "store/numbers.h"
#include "view.h"

enum {
  CELL_KEY,
  CELL_COLUMN,
  CELL_VALUE,
  CELL_OP,
  CELL_TS,
  CELL_TIME,
  CELL_DEVICE,
  CELL_SEQ,
  CELL_IN_VALUE,
  CELL_TABLE,
  CELL_ONLY,
  CELL_STORE,
  CELL_CELL
};

/* Columns of the rows that are made. */
enum {
  MADE_KEY,
  MADE_COLUMN,
  MADE_VALUE,
  MADE_OP,
  MADE_TS,
  MADE_DEVICE,
  MADE_SEQ,
  MADE_IN_VALUE,
  MADE_CELL
};

/* What is given. */
enum { GIVEN_STORE, GIVEN_TABLE, GIVEN_ONLY, GIVEN_KEY };

static const char *cells_text(sqlite3_value *value) {
  return value ? (const char *)sqlite3_value_text(value) : NULL;
}

/* Of a typed table that is declared. SQLITE_NOTFOUND: there is none. */
static int cells_find_typed(kv_view_cursor *cursor, kv_registry *registry,
                            const char *table, char **err) {
  kv_typed_found found;
  char *why = NULL;
  int rc = kv_typed_find(registry, table, &found, &why);

  if (rc == SQLITE_OK) {
    cursor->bucket = kv_strdup(found.typed->meta.bucket);
    if (!cursor->bucket) rc = SQLITE_NOMEM;
  }
  if (rc == SQLITE_OK) {
    cursor->store = found.store;
    found.store = NULL;
  }
  kv_typed_found_close(&found);
  if (rc == SQLITE_NOTFOUND) {
    sqlite3_free(why);
  } else if (why) {
    *err = why;
  }
  return rc;
}

/* The bucket, and its store: the one that is named, or the default. */
static int cells_find(kv_view_cursor *cursor, kv_registry *registry,
                      sqlite3_value **given, char **err) {
  const char *table = cells_text(given[GIVEN_TABLE]);
  const char *name = cells_text(given[GIVEN_STORE]);
  int rc = SQLITE_NOTFOUND;

  if (!table) {
    return kv_error(err, SQLITE_ERROR,
                    "name a typed table: kv_history('accounts'), or "
                    "kv_history('accounts', key)");
  }
  if (!name) rc = cells_find_typed(cursor, registry, table, err);
  if (rc != SQLITE_NOTFOUND) return rc;
  cursor->bucket = kv_strdup(table);
  if (!cursor->bucket) return SQLITE_NOMEM;
  return kv_store_find(registry, name, &cursor->store, err);
}

static int cells_start(kv_view_cursor *cursor, sqlite3_value **given,
                       sqlite3_value **more, char **err) {
  sqlite3_value *only = given[GIVEN_ONLY];
  int has_only = only && sqlite3_value_type(only) != SQLITE_NULL;
  sqlite3_value *key = has_only ? only : given[GIVEN_KEY];
  int64_t until = 0;
  int rc = kv_numbers_last_seq(cursor->store, &until);

  (void)more, (void)err;
  if (rc != SQLITE_OK) return rc;
  kv_view_begin_keys(cursor, key ? KV_SQL_CELLS_KEYS_KEY : KV_SQL_CELLS_KEYS,
                     until);
  kv_run_named_text(&cursor->keys.rows, ":bucket", cursor->bucket);
  kv_run_named_sqlite(&cursor->keys.rows, ":key", key);
  cursor->is_over = 1;
  return SQLITE_OK;
}

static void cells_text_value(kv_value *out, const char *z, size_t n) {
  memset(out, 0, sizeof(*out));
  out->type = KV_TEXT;
  out->z = z;
  out->n = n;
}

static void cells_int_value(kv_value *out, int64_t i) {
  memset(out, 0, sizeof(*out));
  out->type = KV_INTEGER;
  out->i = i;
}

/* What all rows have. */
static void cells_row(kv_view_cursor *cursor, const kv_fold_row *row,
                      const char *op, int in_value) {
  kv_value *made = cursor->made;
  const char *device = kv_folded_device(&cursor->keys.now, row);

  memset(&made[MADE_COLUMN], 0, sizeof(*made));
  memset(&made[MADE_VALUE], 0, sizeof(*made));
  made[MADE_KEY] = cursor->keys.key;
  cells_text_value(&made[MADE_OP], op, strlen(op));
  cells_int_value(&made[MADE_TS], row->ts);
  cells_text_value(&made[MADE_DEVICE], device, strlen(device));
  cells_int_value(&made[MADE_SEQ], row->seq);
  cells_int_value(&made[MADE_IN_VALUE], in_value);
  cells_text_value(&made[MADE_CELL], "", 0);
}

/* What a cell cuts out of a set; 0: nothing. */
static int cells_cut(kv_view_cursor *cursor, const kv_fold_cell *at) {
  const kv_cell *cell = at->cell;
  kv_value *made = cursor->made;

  if (cell->cut.n <= 2) return 0;
  cells_row(cursor, at->row, "cut", at->is_used);
  cells_text_value(&made[MADE_COLUMN], cell->name, cell->n_name);
  cells_text_value(&made[MADE_VALUE], cell->cut.z, cell->cut.n);
  made[MADE_CELL] = made[MADE_COLUMN];
  return 1;
}

/* The rest of it; 0: there is none, or an error. */
static int cells_cell(kv_view_cursor *cursor, const kv_fold_cell *at) {
  const kv_cell *cell = at->cell;
  kv_value *made = cursor->made;

  if (cell->cut.n > 2 && cell->put.n <= 2) return 0;
  cells_row(cursor, at->row,
            kv_cell_is_assignment(cell) ? "set" : kv_cell_op_name(cell->op),
            at->is_used);
  cells_text_value(&made[MADE_COLUMN], cell->name, cell->n_name);
  made[MADE_CELL] = made[MADE_COLUMN];
  cursor->keys.rows.rc =
    kv_cell_value(cell, &cursor->keys.now.fold.arena, &made[MADE_VALUE]);
  return cursor->keys.rows.rc == SQLITE_OK;
}

/* The insert or delete that a log row is; 0: it is none. */
static int cells_birth(kv_view_cursor *cursor, size_t i) {
  const kv_fold *fold = &cursor->keys.now.fold;
  const kv_fold_row *row = fold->rows[i];
  int is_last = i + 1 == fold->n_rows;

  if (row->op == KV_OP_SET && !row->record.is_birth) return 0;
  cells_row(cursor, row, row->op == KV_OP_SET ? "insert" : "delete",
            row->op == KV_OP_SET ? fold->exists && row->is_live
                                 : !fold->exists && is_last);
  return 1;
}

/* Number i of what a key has: its rows; of each cell the cut, and the rest. */
static int cells_show(kv_view_cursor *cursor, size_t i) {
  const kv_fold *fold = &cursor->keys.now.fold;
  const kv_fold_cell *cell;

  if (i < fold->n_rows) return cells_birth(cursor, i);
  i -= fold->n_rows;
  cell = &fold->cells[i / 2];
  return i % 2 ? cells_cell(cursor, cell) : cells_cut(cursor, cell);
}

/* Inserts and deletes of a row, then its cells by column and order. */
static int cells_make(kv_view_cursor *cursor) {
  const kv_fold *fold = &cursor->keys.now.fold;

  for (;;) {
    while (cursor->at < cursor->n) {
      if (cells_show(cursor, cursor->at++)) return 1;
      if (cursor->keys.rows.rc != SQLITE_OK) return 0;
    }
    if (!kv_keys_next(&cursor->keys)) return 0;
    cursor->n = fold->n_rows + 2 * fold->n_cells;
    cursor->at = 0;
  }
}

static const kv_view_column cells_columns[] = {
  [CELL_KEY] = {KV_SHOW_VALUE, MADE_KEY},
  [CELL_COLUMN] = {KV_SHOW_VALUE, MADE_COLUMN},
  [CELL_VALUE] = {KV_SHOW_VALUE, MADE_VALUE},
  [CELL_OP] = {KV_SHOW_VALUE, MADE_OP},
  [CELL_TS] = {KV_SHOW_VALUE, MADE_TS},
  [CELL_TIME] = {KV_SHOW_TIME, MADE_TS},
  [CELL_DEVICE] = {KV_SHOW_VALUE, MADE_DEVICE},
  [CELL_SEQ] = {KV_SHOW_VALUE, MADE_SEQ},
  [CELL_IN_VALUE] = {KV_SHOW_VALUE, MADE_IN_VALUE},
  [CELL_TABLE] = {KV_SHOW_GIVEN, GIVEN_TABLE},
  [CELL_ONLY] = {KV_SHOW_GIVEN, GIVEN_ONLY},
  [CELL_STORE] = {KV_SHOW_STORE, 0},
  [CELL_CELL] = {KV_SHOW_VALUE, MADE_CELL}};

static const kv_view_equal cells_equals[] = {
  {CELL_STORE, 1}, {CELL_TABLE, 1}, {CELL_ONLY, 1}, {CELL_KEY, 0}};

static const kv_view cells_view = {.name = "kv_history",
                                   .declaration = KV_SQL_DECLARE_CELLS,
                                   .columns = cells_columns,
                                   .equals = cells_equals,
                                   .n_equals = 4,
                                   .start = cells_start,
                                   .make = cells_make,
                                   .find = cells_find};

int kv_cells_register(sqlite3 *db, kv_registry *registry) {
  return kv_view_register(db, registry, &cells_view);
}
