/*
** The virtual table kv_log: every change of every device.
**
**     SELECT * FROM kv_log;    SELECT * FROM kv_log('notes');
**     bucket, key, value, op, ts, time, device, seq, txn, parent_ts
**
** A condition on the key costs one seek in the front of the cache and one in
** the back. Conditions on ts and time, and the order of ts, use the index by
** time. Otherwise rows come in the order of the cache.
*/
#include "history.h"
#include "store/numbers.h"
#include "sync/upkeep.h"
#include "table/time_range.h"
#include "view.h"

enum {
  LOG_BUCKET,
  LOG_KEY,
  LOG_VALUE,
  LOG_OP,
  LOG_TS,
  LOG_TIME,
  LOG_DEVICE,
  LOG_SEQ,
  LOG_TXN,
  LOG_PARENT_TS,
  LOG_STORE
};

/* The plan: which arguments there are, in this order, and the times. */
enum {
  LOG_PLAN_STORE = 1,
  LOG_PLAN_KEY = 2,
  LOG_PLAN_BY_TIME = 4,
  LOG_PLAN_DESC = 8
};

static const kv_time_columns log_times = {LOG_TS, LOG_TIME};

static void log_plan(sqlite3_index_info *info, int *n_argv, int *plan) {
  int order = kv_time_range_order(info, log_times, LOG_DEVICE, LOG_SEQ);
  int n_bounds;

  if (*plan & LOG_PLAN_KEY) {
    info->estimatedCost = 20.0;
    info->estimatedRows = 20;
    return;
  }
  n_bounds = kv_time_range_plan(info, log_times, n_argv, plan);
  if (n_bounds == 0 && order == 0) return;
  *plan |= LOG_PLAN_BY_TIME;
  info->estimatedCost /= n_bounds == 2 ? 64 : n_bounds == 1 ? 8 : 1;
  info->estimatedRows = (sqlite3_int64)info->estimatedCost;
  if (order) info->orderByConsumed = 1;
  if (order < 0) *plan |= LOG_PLAN_DESC;
}

static int log_start(kv_view_cursor *cursor, sqlite3_value **given,
                     sqlite3_value **more, char **err) {
  kv_sql id = cursor->plan & LOG_PLAN_KEY ? KV_SQL_LOG_KEY : KV_SQL_LOG_ALL;
  int64_t first;
  int64_t last;
  int64_t until;
  int rc = kv_numbers_last_seq(cursor->store, &until);

  (void)err;
  if (cursor->plan & LOG_PLAN_BY_TIME) {
    id = cursor->plan & LOG_PLAN_DESC ? KV_SQL_LOG_TIME_DESC : KV_SQL_LOG_TIME;
    kv_upkeep_want_index(cursor->store);
  }
  kv_time_range_read(cursor->plan, more, &first, &last);
  if (rc != SQLITE_OK) return rc;
  kv_view_run(cursor, id);
  kv_run_named_sqlite(&cursor->rows, ":key", given[1]);
  kv_run_named_int(&cursor->rows, ":first", first);
  kv_run_named_int(&cursor->rows, ":last", last);
  /*
  ** INSERT INTO kv SELECT ... FROM kv_log would never end if it read what it
  ** writes: SQLite does not know that the two are one.
  */
  return kv_view_bind_end(cursor, until);
}

/* Columns of the statements: {history of c}. */
enum {
  LOG_ROW_BUCKET,
  LOG_ROW_KEY,
  LOG_ROW_VALUE,
  LOG_ROW_OP,
  LOG_ROW_TS,
  LOG_ROW_DEVICE,
  LOG_ROW_SEQ,
  LOG_ROW_TXN,
  LOG_ROW_PARENT_TS
};

static const kv_view_column log_columns[] = {
  [LOG_BUCKET] = {KV_SHOW_VALUE, LOG_ROW_BUCKET},
  [LOG_KEY] = {KV_SHOW_VALUE, LOG_ROW_KEY},
  [LOG_VALUE] = {KV_SHOW_VALUE, LOG_ROW_VALUE},
  [LOG_OP] = {KV_SHOW_OP, LOG_ROW_OP},
  [LOG_TS] = {KV_SHOW_VALUE, LOG_ROW_TS},
  [LOG_TIME] = {KV_SHOW_TIME, LOG_ROW_TS},
  [LOG_DEVICE] = {KV_SHOW_VALUE, LOG_ROW_DEVICE},
  [LOG_SEQ] = {KV_SHOW_VALUE, LOG_ROW_SEQ},
  [LOG_TXN] = {KV_SHOW_VALUE, LOG_ROW_TXN},
  [LOG_PARENT_TS] = {KV_SHOW_VALUE, LOG_ROW_PARENT_TS},
  [LOG_STORE] = {KV_SHOW_STORE, 0}};

static const kv_view_equal log_equals[] = {{LOG_STORE, 1}, {LOG_KEY, 0}};

static const kv_view log_view = {.name = "kv_log",
                                 .declaration = KV_SQL_DECLARE_LOG,
                                 .columns = log_columns,
                                 .equals = log_equals,
                                 .n_equals = 2,
                                 .plan = log_plan,
                                 .start = log_start};

int kv_log_table_register(sqlite3 *db, kv_registry *registry) {
  return kv_view_register(db, registry, &log_view);
}
