/*
** Reads a typed table. See typed_scan.h.
*/
#include "typed_scan.h"

#include <string.h>

#include "connection/find_typed.h"
#include "db/error.h"
#include "db/value.h"
#include "declare/keys.h"
#include "replace/past.h"
#include "store/errors.h"
#include "store/transaction.h"
#include "store/write.h"
#include "table/arguments.h"
#include "tables/known.h"
#include "typed_past.h"
#include "typed_plan.h"
#include "typed_query.h"
#include "typed_stamp.h"

typedef struct typed_cursor {
  sqlite3_vtab_cursor base; /* base class: must be first */
  sqlite3_stmt *stmt;       /* the running query */
  char *text;               /* the plan of which it was made */
  kv_typed_past *past;      /* or the table as it was */
  sqlite3_value *as_of;     /* then, as it was given */
  kv_store *store;          /* of the stamps, referenced; or NULL */
  int is_stamped;           /* the stamp of the row is known */
  kv_bucket_stamp stamp;
  int is_eof;
} typed_cursor;

static kv_typed_table *scan_table(const typed_cursor *cursor) {
  return (kv_typed_table *)cursor->base.pVtab;
}

int kv_typed_scan_plan(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  return kv_typed_plan(((kv_typed_table *)vtab)->typed, info);
}

void kv_typed_scan_clear(kv_typed_table *table) {
  sqlite3_finalize(table->scan);
  sqlite3_free(table->scan_text);
  table->scan = NULL;
  table->scan_text = NULL;
}

int kv_typed_scan_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
  typed_cursor *cursor = kv_zalloc(sizeof(*cursor));

  (void)vtab;
  *out = (sqlite3_vtab_cursor *)cursor;
  return cursor ? SQLITE_OK : SQLITE_NOMEM;
}

/* Give the statement back to the table, which keeps the last one. */
static void scan_put(typed_cursor *cursor) {
  kv_typed_table *table = scan_table(cursor);

  if (!cursor->stmt) return;
  sqlite3_reset(cursor->stmt);
  sqlite3_clear_bindings(cursor->stmt);
  kv_typed_scan_clear(table);
  table->scan = cursor->stmt;
  table->scan_text = cursor->text;
  cursor->stmt = NULL;
  cursor->text = NULL;
}

static void scan_leave_past(typed_cursor *cursor) {
  kv_typed_past_close(cursor->past);
  sqlite3_value_free(cursor->as_of);
  cursor->past = NULL;
  cursor->as_of = NULL;
}

int kv_typed_scan_close(sqlite3_vtab_cursor *base) {
  scan_leave_past((typed_cursor *)base);
  scan_put((typed_cursor *)base);
  kv_store_close(((typed_cursor *)base)->store);
  sqlite3_free(((typed_cursor *)base)->text); /* of what was not prepared */
  sqlite3_free(base);
  return SQLITE_OK;
}

/* Prepare the query of a plan. */
static int scan_prepare(kv_typed_table *table, const char *plan,
                        sqlite3_stmt **out) {
  kv_stmt_hole more[3] = {{"list", NULL}, {"rest", NULL}, {NULL, NULL}};
  kv_stmt_holes holes = {
    .schema = table->typed->schema, .name = table->typed->name, .more = more};
  char *text = NULL;
  char *list = NULL;
  char *rest = NULL;
  int rc = kv_typed_query_text(table->typed, plan, &list, &rest);

  more[0].text = list;
  more[1].text = rest;
  if (rc == SQLITE_OK) text = kv_stmt_fill(KV_SQL_TYPED_SCAN_RUN, &holes);
  if (rc == SQLITE_OK && !text) rc = SQLITE_NOMEM;
  if (text) {
    rc = sqlite3_prepare_v3(table->typed->db, text, -1,
                            SQLITE_PREPARE_PERSISTENT | SQLITE_PREPARE_NO_VTAB,
                            out, NULL);
  }
  sqlite3_free(text);
  sqlite3_free(list);
  sqlite3_free(rest);
  return rc;
}

/* The statement of a plan, which is now the cursor's: the last one, or a new one. */
static int scan_get(typed_cursor *cursor, char *plan) {
  kv_typed_table *table = scan_table(cursor);

  if (cursor->stmt && strcmp(cursor->text, plan) == 0) {
    sqlite3_free(plan);
    sqlite3_reset(cursor->stmt);
    return SQLITE_OK;
  }
  scan_put(cursor);
  sqlite3_free(cursor->text);
  cursor->text = plan;
  if (table->scan && strcmp(table->scan_text, plan) == 0) {
    cursor->stmt = table->scan;
    sqlite3_free(table->scan_text);
    table->scan = NULL;
    table->scan_text = NULL;
    return SQLITE_OK;
  }
  return scan_prepare(table, plan, &cursor->stmt);
}

/* An error of the nested query, about this table. */
static int scan_error(typed_cursor *cursor, int rc) {
  return kv_typed_error(scan_table(cursor)->typed, &cursor->base.pVtab->zErrMsg,
                        rc, "cannot read the rows");
}

static int scan_next_past(typed_cursor *cursor) {
  int rc = kv_typed_past_next(cursor->past);

  cursor->is_eof = cursor->past->is_eof;
  return scan_error(cursor, rc);
}

int kv_typed_scan_next(sqlite3_vtab_cursor *base) {
  typed_cursor *cursor = (typed_cursor *)base;
  int rc;

  cursor->is_stamped = 0;
  if (cursor->past) return scan_next_past(cursor);
  kv_known_forget(scan_table(cursor)->typed);
  rc = sqlite3_step(cursor->stmt);
  cursor->is_eof = rc != SQLITE_ROW;
  if (rc == SQLITE_ROW || rc == SQLITE_DONE) return SQLITE_OK;
  return scan_error(cursor, rc);
}

/* Read the table as it was: the last value is the time. */
static int scan_past(typed_cursor *cursor, const char *plan, int argc,
                     sqlite3_value **argv) {
  kv_typed_table *table = scan_table(cursor);
  char **err = &cursor->base.pVtab->zErrMsg;
  kv_store *store = NULL;
  int64_t as_of = 0;
  int rc;

  cursor->as_of = sqlite3_value_dup(argv[argc - 1]);
  if (!cursor->as_of) return SQLITE_NOMEM;
  rc = kv_typed_find_store(table->registry, table->typed, &store, err);
  if (rc != SQLITE_OK) return rc;
  rc = kv_argument_time(cursor->as_of, kv_store_now(store), &as_of, err);
  if (rc == SQLITE_OK) rc = kv_write_flush(store, err);
  if (rc == SQLITE_OK) rc = kv_past_check(&store->stmts, as_of, err);
  if (rc != SQLITE_OK) {
    kv_store_close(store);
    return rc;
  }
  rc = kv_typed_past_open(table->typed, store, &cursor->past);
  if (rc == SQLITE_OK) {
    rc = kv_typed_query_bounds(plan, argc - 1, argv, cursor->past);
  }
  if (rc == SQLITE_OK) rc = kv_typed_past_begin(cursor->past, as_of);
  if (rc == SQLITE_OK) cursor->is_eof = cursor->past->is_eof;
  return scan_error(cursor, rc);
}

int kv_typed_scan_filter(sqlite3_vtab_cursor *base, int is_past,
                         const char *text, int argc, sqlite3_value **argv) {
  typed_cursor *cursor = (typed_cursor *)base;
  char *plan = NULL;
  int rc;

  scan_leave_past(cursor);
  cursor->is_stamped = 0;
  if (is_past && sqlite3_value_type(argv[argc - 1]) != SQLITE_NULL) {
    return scan_past(cursor, text, argc, argv);
  }
  argc -= is_past;
  rc = kv_typed_query_fit(scan_table(cursor)->typed, text, argc, argv, &plan);
  if (rc == SQLITE_OK) {
    rc = scan_get(cursor, plan);
  } else {
    sqlite3_free(plan);
  }
  if (rc == SQLITE_OK)
    rc = kv_typed_query_bind(cursor->stmt, cursor->text, argc, argv);
  return rc == SQLITE_OK ? kv_typed_scan_next(base) : scan_error(cursor, rc);
}

int kv_typed_scan_eof(sqlite3_vtab_cursor *base) {
  return ((typed_cursor *)base)->is_eof;
}

/* The key, as the log has it. */
static int scan_get_key(typed_cursor *cursor, kv_arena *arena, kv_value *out,
                        int *is_valid) {
  const kv_declaration *declared = &scan_table(cursor)->typed->declared;
  kv_value *values =
    kv_zalloc((sqlite3_uint64)declared->n_columns * sizeof(*values));
  int i;
  int rc = values ? SQLITE_OK : SQLITE_NOMEM;

  *is_valid = 0;
  for (i = 0; i < declared->n_key && rc == SQLITE_OK; i++) {
    int column = declared->key[i];
    rc = kv_value_of_column(cursor->stmt, column, &values[column]);
  }
  if (rc == SQLITE_OK) {
    rc = kv_keys_write(declared, values, arena, out, is_valid);
  }
  sqlite3_free(values);
  return rc;
}

static int scan_key(typed_cursor *cursor, sqlite3_context *ctx) {
  kv_arena arena;
  kv_value key;
  int is_valid;
  int rc;

  kv_arena_init(&arena, kv_realloc);
  rc = scan_get_key(cursor, &arena, &key, &is_valid);
  if (rc == SQLITE_OK && is_valid) kv_value_result(ctx, &key);
  kv_arena_free(&arena);
  return rc;
}

/* The stamp of the row as it was: that of the last of its log rows. */
static void scan_stamp_past(typed_cursor *cursor) {
  const kv_folded *folded = &cursor->past->folded;
  const kv_fold_row *row = folded->fold.rows[folded->fold.n_rows - 1];

  cursor->stamp.is_found = 1;
  cursor->stamp.ts = row->ts;
  sqlite3_snprintf(sizeof(cursor->stamp.device), cursor->stamp.device, "%s",
                   kv_folded_device(folded, row));
}

/*
** The store, in *out. A transaction that writes has it, and what it has of the
** table is not loaded again.
*/
static int scan_store(typed_cursor *cursor, kv_store **out) {
  kv_typed_table *table = scan_table(cursor);
  int rc = SQLITE_OK;

  if (!table->store && !cursor->store) {
    rc = kv_typed_find_store(table->registry, table->typed, &cursor->store,
                             &table->base.zErrMsg);
  }
  *out = table->store ? table->store : cursor->store;
  return rc;
}

static int scan_stamp(typed_cursor *cursor, sqlite3_context *ctx, int hidden) {
  kv_typed_table *table = scan_table(cursor);
  kv_store *store;
  kv_arena arena;
  kv_value key;
  int is_valid = 0;
  int rc = SQLITE_OK;

  kv_arena_init(&arena, kv_realloc);
  if (cursor->past) {
    scan_stamp_past(cursor);
  } else if (!cursor->is_stamped) {
    cursor->stamp.is_found = 0;
    rc = scan_store(cursor, &store);
    if (rc == SQLITE_OK) rc = scan_get_key(cursor, &arena, &key, &is_valid);
    if (rc == SQLITE_OK && is_valid) {
      rc = kv_typed_stamp_find(table->typed, store, &key, &cursor->stamp,
                               &table->base.zErrMsg);
    }
    cursor->is_stamped = rc == SQLITE_OK;
  }
  if (rc == SQLITE_OK) kv_typed_stamp_result(ctx, &cursor->stamp, hidden);
  kv_arena_free(&arena);
  return rc;
}

/* A hidden column. */
static int scan_hidden(typed_cursor *cursor, sqlite3_context *ctx, int hidden) {
  switch (hidden) {
    case KV_HIDDEN_AS_OF: /* always set: a write to the past is known by it */
      if (cursor->as_of) sqlite3_result_value(ctx, cursor->as_of);
      break;
    case KV_HIDDEN_KEY:
      if (!cursor->past) return scan_key(cursor, ctx);
      kv_value_result(ctx, &cursor->past->key);
      break;
    case KV_HIDDEN_ASSIGN: break;
    default:
      if (!sqlite3_vtab_nochange(ctx)) return scan_stamp(cursor, ctx, hidden);
      break;
  }
  return SQLITE_OK;
}

/* A column that an UPDATE does not change: it will change others of this row. */
static int scan_note(typed_cursor *cursor) {
  kv_typed_table *table = scan_table(cursor);

  if (cursor->past || !table->store ||
      kv_transaction_is_writing(table->store) ||
      !kv_typed_query_is_whole(cursor->text)) {
    return SQLITE_OK;
  }
  return kv_known_note(table->typed, cursor->stmt);
}

int kv_typed_scan_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx,
                         int column) {
  typed_cursor *cursor = (typed_cursor *)base;
  int n = scan_table(cursor)->typed->declared.n_columns;

  if (column >= n) return scan_hidden(cursor, ctx, column - n);
  if (sqlite3_vtab_nochange(ctx)) return scan_note(cursor);
  if (cursor->past) {
    kv_value_result(ctx, &cursor->past->values[column]);
    return SQLITE_OK;
  }
  return kv_value_result_column(ctx, cursor->stmt, column);
}

int kv_typed_scan_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  (void)base;
  *out = 0;
  return SQLITE_OK;
}
