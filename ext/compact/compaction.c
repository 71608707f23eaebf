/*
** The table kv_compaction. See compaction.h.
*/
#include "compaction.h"

#include "compact.h"
#include "db/error.h"
#include "history/view.h"
#include "store/exchange.h"
#include "table/arguments.h"

enum {
  COMPACTION_GOES,
  COMPACTION_REASON,
  COMPACTION_N_ROWS,
  COMPACTION_BYTES,
  COMPACTION_WAITS_FOR,
  COMPACTION_DETAIL,
  COMPACTION_BEFORE,
  COMPACTION_STORE
};

int kv_compaction_before(kv_store *store, sqlite3_value *value, int64_t *out,
                         char **err) {
  int64_t history = store->exchange->history;
  int64_t now = kv_store_now(store);
  int rc = SQLITE_OK;

  *out = now - (history > 0 ? history : KV_COMPACT_HISTORY);
  if (value && sqlite3_value_type(value) != SQLITE_NULL) {
    rc = kv_argument_time(value, now, out, err);
  }
  if (*out > now) *out = now;
  return rc;
}

static int compaction_start(kv_view_cursor *cursor, sqlite3_value **given,
                            sqlite3_value **more, char **err) {
  kv_store *store = cursor->store;
  int64_t before = 0;
  int rc = kv_compaction_before(store, given[1], &before, err);

  (void)more;
  if (rc != SQLITE_OK) return rc;
  kv_view_run(cursor, KV_SQL_COMPACTION);
  kv_run_named_text(&cursor->rows, ":self", store->device);
  kv_run_named_int(&cursor->rows, ":before", before);
  kv_run_named_int(&cursor->rows, ":now", kv_store_now(store));
  return cursor->rows.rc;
}

static const kv_view_column compaction_columns[] = {
  [COMPACTION_GOES] = {KV_SHOW_VALUE, 0},
  [COMPACTION_REASON] = {KV_SHOW_VALUE, 1},
  [COMPACTION_N_ROWS] = {KV_SHOW_VALUE, 2},
  [COMPACTION_BYTES] = {KV_SHOW_VALUE, 3},
  [COMPACTION_WAITS_FOR] = {KV_SHOW_VALUE, 4},
  [COMPACTION_DETAIL] = {KV_SHOW_VALUE, 5},
  [COMPACTION_BEFORE] = {KV_SHOW_GIVEN, 1},
  [COMPACTION_STORE] = {KV_SHOW_STORE, 0}};

static const kv_view_equal compaction_equals[] = {{COMPACTION_STORE, 1},
                                                  {COMPACTION_BEFORE, 1}};

static const kv_view compaction_view = {
  .name = "kv_compaction",
  .declaration = KV_SQL_DECLARE_COMPACTION,
  .columns = compaction_columns,
  .equals = compaction_equals,
  .n_equals = 2,
  .start = compaction_start,
};

int kv_compaction_register(sqlite3 *db, kv_registry *registry) {
  return kv_view_register(db, registry, &compaction_view);
}
