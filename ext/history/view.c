/*
** Table-valued functions over a store. See view.h.
**
** All views share one module; the data that each is registered with tells them
** apart.
*/
#include "view.h"

#include "connection/find.h"
#include "core/names.h"
#include "db/error.h"
#include "db/run.h"
#include "db/value.h"
#include "store/errors.h"

/* What a module is registered with. */
typedef struct view_module {
  const kv_view *view;
  kv_registry *registry;
} view_module;

typedef struct view_table {
  sqlite3_vtab base; /* base class: must be first */
  const kv_view *view;
  kv_registry *registry; /* borrowed from the module */
} view_table;

static int view_connect(sqlite3 *db, void *aux, int argc,
                        const char *const *argv, sqlite3_vtab **out,
                        char **err) {
  const view_module *module = aux;
  view_table *table;
  int rc = kv_stmt_declare(db, module->view->declaration, err);

  (void)argc;
  (void)argv;
  if (rc == SQLITE_OK) rc = sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
  if (rc != SQLITE_OK) return rc;
  table = kv_zalloc(sizeof(*table));
  if (!table) return SQLITE_NOMEM;
  table->view = module->view;
  table->registry = module->registry;
  *out = &table->base;
  return SQLITE_OK;
}

static int view_disconnect(sqlite3_vtab *vtab) {
  sqlite3_free(vtab);
  return SQLITE_OK;
}

static int view_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  const kv_view *view = ((view_table *)vtab)->view;
  int argv = 0;
  int i;
  int j;

  info->idxNum = 0;
  info->estimatedCost = 1000000.0;
  for (j = 0; j < view->n_equals; j++) {
    const kv_view_equal *equal = &view->equals[j];
    int found = -1;

    for (i = 0; i < info->nConstraint; i++) {
      const struct sqlite3_index_constraint *c = &info->aConstraint[i];

      if (c->iColumn != equal->column) continue;
      if (c->op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
      if (!c->usable && equal->is_argument) return SQLITE_CONSTRAINT;
      if (!c->usable) continue;
      if (!equal->is_argument &&
          sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY") != 0) {
        continue;
      }
      found = i;
    }
    if (found < 0) continue;
    info->aConstraintUsage[found].argvIndex = ++argv;
    info->aConstraintUsage[found].omit = (unsigned char)equal->is_argument;
    info->idxNum |= 1 << j;
  }
  info->estimatedRows = (sqlite3_int64)info->estimatedCost;
  if (view->plan) view->plan(info, &argv, &info->idxNum);
  return SQLITE_OK;
}

static int view_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
  kv_view_cursor *cursor = kv_zalloc(sizeof(*cursor));

  if (!cursor) return SQLITE_NOMEM;
  cursor->view = ((view_table *)vtab)->view;
  *out = &cursor->base;
  return SQLITE_OK;
}

static void view_reset(kv_view_cursor *cursor) {
  int i;

  if (cursor->store) {
    kv_run_close(&cursor->rows);
    kv_keys_clear(&cursor->keys);
    kv_store_leave_scan(cursor->store);
    kv_store_close(cursor->store);
  }
  for (i = 0; i < KV_VIEW_EQUALS; i++) {
    sqlite3_value_free(cursor->given[i]);
    cursor->given[i] = NULL;
  }
  kv_bytes_free(&cursor->json[0]);
  kv_bytes_free(&cursor->json[1]);
  sqlite3_free(cursor->bucket);
  cursor->bucket = NULL;
  cursor->store = NULL;
  cursor->is_over = 0;
  cursor->at = cursor->n = 0;
  cursor->is_end = 1;
}

static int view_close(sqlite3_vtab_cursor *base) {
  view_reset((kv_view_cursor *)base);
  sqlite3_free(base);
  return SQLITE_OK;
}

static int view_next(sqlite3_vtab_cursor *base) {
  kv_view_cursor *cursor = (kv_view_cursor *)base;
  int rc = SQLITE_OK;

  if (!cursor->is_over) {
    cursor->is_end = !kv_run_row(&cursor->rows);
    rc = cursor->rows.rc;
    cursor->is_over = cursor->is_end && rc == SQLITE_OK && cursor->view->make;
  }
  if (cursor->is_over) {
    cursor->is_end = !cursor->view->make(cursor);
    rc = cursor->keys.rows.rc;
  }
  return kv_store_error(cursor->store, &base->pVtab->zErrMsg, rc,
                        "cannot read");
}

/* Keep the arguments that are shown unchanged. */
static int view_keep(kv_view_cursor *cursor, sqlite3_value **given) {
  int i;

  for (i = 0; i < cursor->view->n_equals; i++) {
    if (!given[i] || !cursor->view->equals[i].is_argument) continue;
    cursor->given[i] = sqlite3_value_dup(given[i]);
    if (!cursor->given[i]) return SQLITE_NOMEM;
  }
  return SQLITE_OK;
}

static int view_filter(sqlite3_vtab_cursor *base, int plan, const char *unused,
                       int argc, sqlite3_value **argv) {
  kv_view_cursor *cursor = (kv_view_cursor *)base;
  const kv_view *view = cursor->view;
  kv_registry *registry = ((view_table *)base->pVtab)->registry;
  sqlite3_value *given[KV_VIEW_EQUALS] = {NULL, NULL, NULL, NULL};
  char **err = &base->pVtab->zErrMsg;
  const char *name = NULL;
  int n = 0;
  int i;
  int rc;

  (void)unused;
  (void)argc;
  view_reset(cursor);
  cursor->plan = plan;
  for (i = 0; i < view->n_equals; i++) {
    if (plan & (1 << i)) given[i] = argv[n++];
  }
  if (given[0]) name = (const char *)sqlite3_value_text(given[0]);
  rc = view->find ? view->find(cursor, registry, given, err)
                  : kv_store_find(registry, name, &cursor->store, err);
  if (rc != SQLITE_OK) return rc;
  kv_store_enter_scan(cursor->store);
  rc = view_keep(cursor, given);
  if (rc == SQLITE_OK) rc = view->start(cursor, given, argv + n, err);
  if (rc != SQLITE_OK) {
    return kv_store_error(cursor->store, err, rc, "cannot read");
  }
  return view_next(base);
}

static int view_eof(sqlite3_vtab_cursor *base) {
  return ((kv_view_cursor *)base)->is_end;
}

/* A column that is an integer. */
static int64_t view_number(const kv_view_cursor *cursor, int from) {
  return cursor->is_over ? cursor->made[from].i
                         : sqlite3_column_int64(cursor->rows.stmt, from);
}

static int view_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx,
                       int column) {
  kv_view_cursor *cursor = (kv_view_cursor *)base;
  const kv_view_column *how = &cursor->view->columns[column];
  char time[KV_TIME_SIZE];

  switch (how->show) {
    case KV_SHOW_VALUE:
      if (!cursor->is_over) {
        return kv_value_result_column(ctx, cursor->rows.stmt, how->from);
      }
      kv_value_result(ctx, &cursor->made[how->from]);
      break;
    case KV_SHOW_TIME:
      kv_time_format(view_number(cursor, how->from), time);
      sqlite3_result_text(ctx, time, -1, SQLITE_TRANSIENT);
      break;
    case KV_SHOW_OP:
      sqlite3_result_text(ctx,
                          view_number(cursor, how->from) ? "set" : "delete", -1,
                          SQLITE_STATIC);
      break;
    case KV_SHOW_GIVEN:
      if (cursor->given[how->from]) {
        sqlite3_result_value(ctx, cursor->given[how->from]);
      }
      break;
    case KV_SHOW_STORE:
      sqlite3_result_text(ctx, cursor->store->name, -1, SQLITE_TRANSIENT);
      break;
  }
  return SQLITE_OK;
}

/* WITHOUT ROWID tables have none. */
static int view_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  (void)base;
  *out = 0;
  return SQLITE_OK;
}

static const sqlite3_module view_methods = {
  .iVersion = 1,
  .xConnect = view_connect, /* no xCreate: eponymous only */
  .xBestIndex = view_best_index,
  .xDisconnect = view_disconnect,
  .xOpen = view_open,
  .xClose = view_close,
  .xFilter = view_filter,
  .xNext = view_next,
  .xEof = view_eof,
  .xColumn = view_column,
  .xRowid = view_rowid,
};

static void view_release(void *aux) {
  kv_registry_release(((view_module *)aux)->registry);
  sqlite3_free(aux);
}

int kv_view_register(sqlite3 *db, kv_registry *registry, const kv_view *view) {
  view_module *module;

  if (!registry) {
    return sqlite3_create_module_v2(db, view->name, NULL, NULL, NULL);
  }
  module = kv_zalloc(sizeof(*module));
  if (!module) return SQLITE_NOMEM;
  module->view = view;
  module->registry = registry;
  kv_registry_retain(registry);
  return sqlite3_create_module_v2(db, view->name, &view_methods, module,
                                  view_release);
}

void kv_view_run(kv_view_cursor *cursor, kv_sql id) {
  kv_run_begin(&cursor->rows, &cursor->store->stmts, id);
}

int kv_view_bind_end(kv_view_cursor *cursor, int64_t until) {
  kv_run_named_text(&cursor->rows, ":self", cursor->store->device);
  kv_run_named_int(&cursor->rows, ":until", until);
  return cursor->rows.rc;
}

void kv_view_begin_keys(kv_view_cursor *cursor, kv_sql id, int64_t until) {
  kv_keys_begin(&cursor->keys, cursor->store, id);
  kv_run_named_text(&cursor->keys.rows, ":self", cursor->store->device);
  kv_run_named_int(&cursor->keys.rows, ":until", until);
}
