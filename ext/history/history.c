/*
** The history of a store in three tables:
**
**     kv_diff(start [, stop])   what a stretch of time did to each key
**     kv_conflicts              values that a writer overwrote unseen
**     kv_changes(cursor)        keys that changed in this cache since then
**
** A cursor of kv_changes is an integer below 2^53, which every language keeps
** exactly: the epoch of the cache, and the number of the last commit or merge.
** A new epoch begins when rows are removed. For a cursor of another epoch,
** everything has changed.
**
**      52           33 32                              0
**     +---------------+---------------------------------+
**     | epoch         | number of the commit or merge   |
**     +---------------+---------------------------------+
*/
#include "history.h"

#include "contest/contest.h"
#include "db/error.h"
#include "made.h"
#include "replace/past.h"
#include "store/numbers.h"
#include "sync/upkeep.h"
#include "table/arguments.h"
#include "view.h"

#define CURSOR_ARRIVALS ((int64_t)1 << 33)

int kv_history_cursor(kv_store *store, int64_t *out) {
  kv_settled settled;
  int rc = kv_numbers_settled(store, &settled);

  if (rc == SQLITE_OK) {
    *out = settled.meta.epoch * CURSOR_ARRIVALS + settled.arrival;
  }
  return rc;
}

/* kv_diff */

enum {
  DIFF_BUCKET,
  DIFF_KEY,
  DIFF_CHANGE,
  DIFF_OLD_VALUE,
  DIFF_NEW_VALUE,
  DIFF_START,
  DIFF_STOP,
  DIFF_STORE
};

static int diff_is_given(sqlite3_value *value) {
  return value && sqlite3_value_type(value) != SQLITE_NULL;
}

static int diff_start(kv_view_cursor *cursor, sqlite3_value **given,
                      sqlite3_value **more, char **err) {
  int64_t now = kv_store_now(cursor->store);
  int64_t start = 0;
  int64_t stop = INT64_MAX;
  int64_t until = 0;
  kv_settled settled;
  int rc = SQLITE_OK;

  (void)more;
  if (!diff_is_given(given[1])) {
    return kv_error(err, SQLITE_ERROR,
                    "say where to start: kv_diff(start [, stop]), for example "
                    "kv_diff('2026-11-01')");
  }
  rc = kv_argument_time(given[1], now, &start, err);
  if (rc == SQLITE_OK && diff_is_given(given[2])) {
    rc = kv_argument_time(given[2], now, &stop, err);
  }
  if (rc == SQLITE_OK && stop < start) {
    return kv_error(err, SQLITE_ERROR,
                    "%s is before %s: kv_diff(start, stop) goes from the "
                    "earlier to the later time",
                    sqlite3_value_text(given[2]), sqlite3_value_text(given[1]));
  }
  if (rc == SQLITE_OK) rc = kv_past_check(&cursor->store->stmts, start, err);
  kv_upkeep_want_index(cursor->store);
  if (rc == SQLITE_OK) rc = kv_numbers_last_seq(cursor->store, &until);
  if (rc == SQLITE_OK) rc = kv_numbers_settled(cursor->store, &settled);
  if (rc != SQLITE_OK) return rc;
  kv_view_run(cursor, KV_SQL_DIFF);
  kv_run_named_int(&cursor->rows, ":start", start);
  kv_run_named_int(&cursor->rows, ":stop", stop);
  kv_view_begin_keys(cursor,
                     settled.meta.is_indexed ? KV_SQL_DIFF_KEYS
                                             : KV_SQL_DIFF_KEYS_UNINDEXED,
                     until);
  kv_run_named_int(&cursor->keys.rows, ":start", start);
  kv_run_named_int(&cursor->keys.rows, ":stop", stop);
  cursor->keys.has_then = 1;
  cursor->keys.start = start;
  return kv_view_bind_end(cursor, until);
}

static const kv_view_column diff_columns[] = {
  [DIFF_BUCKET] = {KV_SHOW_VALUE, KV_DIFF_ROW_BUCKET},
  [DIFF_KEY] = {KV_SHOW_VALUE, KV_DIFF_ROW_KEY},
  [DIFF_CHANGE] = {KV_SHOW_VALUE, KV_DIFF_ROW_CHANGE},
  [DIFF_OLD_VALUE] = {KV_SHOW_VALUE, KV_DIFF_ROW_OLD},
  [DIFF_NEW_VALUE] = {KV_SHOW_VALUE, KV_DIFF_ROW_NEW},
  [DIFF_START] = {KV_SHOW_GIVEN, 1},
  [DIFF_STOP] = {KV_SHOW_GIVEN, 2},
  [DIFF_STORE] = {KV_SHOW_STORE, 0}};

static const kv_view_equal diff_equals[] = {
  {DIFF_STORE, 1}, {DIFF_START, 1}, {DIFF_STOP, 1}};

static const kv_view diff_view = {.name = "kv_diff",
                                  .declaration = KV_SQL_DECLARE_DIFF,
                                  .columns = diff_columns,
                                  .equals = diff_equals,
                                  .n_equals = 3,
                                  .start = diff_start,
                                  .make = kv_made_diff};

/* kv_conflicts */

enum {
  CONFLICT_BUCKET,
  CONFLICT_KEY,
  CONFLICT_VALUE,
  CONFLICT_DEVICE,
  CONFLICT_TS,
  CONFLICT_TIME,
  CONFLICT_LOST_VALUE,
  CONFLICT_LOST_DEVICE,
  CONFLICT_LOST_TS,
  CONFLICT_LOST_TIME,
  CONFLICT_OP,
  CONFLICT_COLUMN,
  CONFLICT_STORE,
  CONFLICT_CELL
};

/* The keys of typed tables: all, or of one table, or of one key. */
static void lost_begin_keys(kv_view_cursor *cursor, sqlite3_value **given,
                            int64_t until) {
  kv_run *rows = &cursor->keys.rows;

  kv_view_begin_keys(cursor,
                     given[1]   ? KV_SQL_CONFLICTS_KEYS_KEY
                     : given[2] ? KV_SQL_CONFLICTS_KEYS_BUCKET
                                : KV_SQL_CONFLICTS_KEYS,
                     until);
  kv_run_named_sqlite(rows, ":key", given[1]);
  kv_run_named_sqlite(rows, ":bucket", given[2]);
}

static int lost_start(kv_view_cursor *cursor, sqlite3_value **given,
                      sqlite3_value **more, char **err) {
  kv_store *store = cursor->store;
  kv_settled settled;
  int64_t until = 0;
  int64_t horizon = 0;
  int rc = kv_numbers_settled(store, &settled);

  (void)more, (void)err;
  if (rc == SQLITE_OK) rc = kv_numbers_last_seq(store, &until);
  if (rc == SQLITE_OK) rc = kv_past_horizon(&store->stmts, &horizon);
  if (rc != SQLITE_OK) return rc;
  kv_view_run(cursor, given[1] ? KV_SQL_CONFLICTS_KEY
                      : settled.meta.judged == KV_JUDGED_ALL
                        ? KV_SQL_CONFLICTS
                        : KV_SQL_CONFLICTS_ALL);
  kv_run_named_sqlite(&cursor->rows, ":key", given[1]);
  kv_run_named_int(&cursor->rows, ":horizon", horizon);
  kv_run_named_int(&cursor->rows, ":first", settled.open_seq);
  lost_begin_keys(cursor, given, until);
  return kv_view_bind_end(cursor, until);
}

static const kv_view_column lost_columns[] = {
  [CONFLICT_BUCKET] = {KV_SHOW_VALUE, KV_CONFLICT_ROW_BUCKET},
  [CONFLICT_KEY] = {KV_SHOW_VALUE, KV_CONFLICT_ROW_KEY},
  [CONFLICT_VALUE] = {KV_SHOW_VALUE, KV_CONFLICT_ROW_VALUE},
  [CONFLICT_DEVICE] = {KV_SHOW_VALUE, KV_CONFLICT_ROW_DEVICE},
  [CONFLICT_TS] = {KV_SHOW_VALUE, KV_CONFLICT_ROW_TS},
  [CONFLICT_TIME] = {KV_SHOW_TIME, KV_CONFLICT_ROW_TS},
  [CONFLICT_LOST_VALUE] = {KV_SHOW_VALUE, KV_CONFLICT_ROW_LOST_VALUE},
  [CONFLICT_LOST_DEVICE] = {KV_SHOW_VALUE, KV_CONFLICT_ROW_LOST_DEVICE},
  [CONFLICT_LOST_TS] = {KV_SHOW_VALUE, KV_CONFLICT_ROW_LOST_TS},
  [CONFLICT_LOST_TIME] = {KV_SHOW_TIME, KV_CONFLICT_ROW_LOST_TS},
  [CONFLICT_OP] = {KV_SHOW_OP, KV_CONFLICT_ROW_OP},
  [CONFLICT_COLUMN] = {KV_SHOW_VALUE, KV_CONFLICT_ROW_COLUMN},
  [CONFLICT_STORE] = {KV_SHOW_STORE, 0},
  [CONFLICT_CELL] = {KV_SHOW_VALUE, KV_CONFLICT_ROW_CELL}};

static const kv_view_equal lost_equals[] = {
  {CONFLICT_STORE, 1}, {CONFLICT_KEY, 0}, {CONFLICT_BUCKET, 0}};

static const kv_view lost_view = {.name = "kv_conflicts",
                                  .declaration = KV_SQL_DECLARE_CONFLICTS,
                                  .columns = lost_columns,
                                  .equals = lost_equals,
                                  .n_equals = 3,
                                  .start = lost_start,
                                  .make = kv_made_conflict};

/* kv_changes */

enum {
  CHANGE_CURSOR,
  CHANGE_BUCKET,
  CHANGE_KEY,
  CHANGE_VALUE,
  CHANGE_OP,
  CHANGE_TS,
  CHANGE_TIME,
  CHANGE_DEVICE,
  CHANGE_IS_RESET,
  CHANGE_AFTER,
  CHANGE_STORE
};

static int changes_start(kv_view_cursor *cursor, sqlite3_value **given,
                         sqlite3_value **more, char **err) {
  kv_settled settled;
  int64_t after = 0;
  int64_t base;
  kv_sql id;
  int rc = kv_numbers_settled(cursor->store, &settled);

  (void)more;
  if (given[1] && !kv_argument_whole(given[1], &after)) {
    return kv_error(err, SQLITE_ERROR,
                    "%s is not a cursor: use one from kv_cursor(), or the "
                    "greatest one that kv_changes showed, or 0 for everything",
                    sqlite3_value_type(given[1]) == SQLITE_NULL
                      ? "NULL"
                      : (const char *)sqlite3_value_text(given[1]));
  }
  if (rc != SQLITE_OK) return rc;
  base = settled.meta.epoch * CURSOR_ARRIVALS;
  if (after < base + settled.meta.dropped || after > base + settled.arrival ||
      after == 0) {
    id = KV_SQL_CHANGES_ALL;
  } else {
    id = settled.meta.is_indexed ? KV_SQL_CHANGES : KV_SQL_CHANGES_UNINDEXED;
    kv_upkeep_want_index(cursor->store);
  }
  kv_view_run(cursor, id);
  kv_run_named_int(&cursor->rows, ":base", base);
  kv_run_named_int(&cursor->rows, ":after", after - base);
  kv_run_named_int(&cursor->rows, ":end", settled.arrival);
  cursor->is_reset = id == KV_SQL_CHANGES_ALL;
  kv_view_begin_keys(cursor,
                     id == KV_SQL_CHANGES_ALL ? KV_SQL_CHANGES_KEYS_ALL
                     : id == KV_SQL_CHANGES   ? KV_SQL_CHANGES_KEYS
                                              : KV_SQL_CHANGES_KEYS_UNINDEXED,
                     settled.seq);
  kv_run_named_int(&cursor->keys.rows, ":base", base);
  kv_run_named_int(&cursor->keys.rows, ":after", after - base);
  kv_run_named_int(&cursor->keys.rows, ":end", settled.arrival);
  return kv_view_bind_end(cursor, settled.seq);
}

static const kv_view_column change_columns[] = {
  [CHANGE_CURSOR] = {KV_SHOW_VALUE, KV_CHANGE_ROW_CURSOR},
  [CHANGE_BUCKET] = {KV_SHOW_VALUE, KV_CHANGE_ROW_BUCKET},
  [CHANGE_KEY] = {KV_SHOW_VALUE, KV_CHANGE_ROW_KEY},
  [CHANGE_VALUE] = {KV_SHOW_VALUE, KV_CHANGE_ROW_VALUE},
  [CHANGE_OP] = {KV_SHOW_OP, KV_CHANGE_ROW_OP},
  [CHANGE_TS] = {KV_SHOW_VALUE, KV_CHANGE_ROW_TS},
  [CHANGE_TIME] = {KV_SHOW_TIME, KV_CHANGE_ROW_TS},
  [CHANGE_DEVICE] = {KV_SHOW_VALUE, KV_CHANGE_ROW_DEVICE},
  [CHANGE_IS_RESET] = {KV_SHOW_VALUE, KV_CHANGE_ROW_IS_RESET},
  [CHANGE_AFTER] = {KV_SHOW_GIVEN, 1},
  [CHANGE_STORE] = {KV_SHOW_STORE, 0}};

static const kv_view_equal change_equals[] = {{CHANGE_STORE, 1},
                                              {CHANGE_AFTER, 1}};

static const kv_view changes_view = {.name = "kv_changes",
                                     .declaration = KV_SQL_DECLARE_CHANGES,
                                     .columns = change_columns,
                                     .equals = change_equals,
                                     .n_equals = 2,
                                     .start = changes_start,
                                     .make = kv_made_change};

int kv_history_register(sqlite3 *db, kv_registry *registry) {
  int rc = kv_view_register(db, registry, &diff_view);

  if (rc == SQLITE_OK) rc = kv_view_register(db, registry, &lost_view);
  if (rc == SQLITE_OK) rc = kv_view_register(db, registry, &changes_view);
  return rc;
}
