/*
** Reading kv: cursors. See kv_scan.h.
**
** A scan reads the cache in key order, where a key's latest row comes first,
** and skips the older ones. Backwards the latest row of a key comes last, so
** it is looked up. A stretch of time is read in the order of time instead,
** where each row is asked whether it is its key's latest.
*/
#include "kv_scan.h"

#include <math.h>
#include <string.h>

#include "arguments.h"
#include "core/names.h"
#include "core/order.h"
#include "kv_plan.h"
#include "store/error.h"
#include "store/upkeep.h"
#include "store/value.h"
#include "store/write.h"
#include "time_range.h"

typedef struct scan_cursor {
  sqlite3_vtab_cursor base; /* base class: must be first */
  kv_store *store;          /* borrowed from the table */
  int plan;
  int64_t as_of;
  sqlite3_value *as_of_value; /* as it was given; NULL: not given */
  sqlite3_stmt *scan;         /* the running scan */
  kv_sql scan_id;
  sqlite3_stmt *point; /* row of a point read, or of a key backwards */
  kv_sql point_id;
  sqlite3_stmt *current; /* the current row: scan or point; NULL: end */
  sqlite3_value *value;  /* its value, if it is the scan's; else NULL */
  kv_value previous;     /* the key that the scan was at */
  char *previous_bytes;
  size_t n_previous_bytes; /* allocated */
  int64_t n_writes;        /* store->n_writes when the scan began */
  int64_t last_seq;        /* and the last own row */
  sqlite3_value *low;      /* bounds that are not to be met themselves */
  sqlite3_value *high;
} scan_cursor;

int kv_scan_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
  scan_cursor *cursor = kv_zalloc(sizeof(*cursor));

  if (!cursor) return SQLITE_NOMEM;
  cursor->store = ((kv_table *)vtab)->store;
  *out = &cursor->base;
  return SQLITE_OK;
}

static void cursor_reset(scan_cursor *cursor) {
  kv_stmts *stmts = &cursor->store->stmts;

  kv_stmt_put(stmts, cursor->point_id, cursor->point);
  cursor->point = NULL;
  if (cursor->scan) cursor->store->n_scans--;
  kv_stmt_put(stmts, cursor->scan_id, cursor->scan);
  sqlite3_value_free(cursor->as_of_value);
  sqlite3_value_free(cursor->low);
  sqlite3_value_free(cursor->high);
  cursor->scan = NULL;
  cursor->current = NULL;
  cursor->value = NULL;
  cursor->as_of_value = NULL;
  cursor->low = cursor->high = NULL;
  cursor->previous.type = KV_NULL;
}

int kv_scan_close(sqlite3_vtab_cursor *base) {
  scan_cursor *cursor = (scan_cursor *)base;

  cursor_reset(cursor);
  sqlite3_free(cursor->previous_bytes);
  sqlite3_free(cursor);
  return SQLITE_OK;
}

static int cursor_fail(scan_cursor *cursor, int rc) {
  return kv_store_error(cursor->store, &cursor->base.pVtab->zErrMsg, rc,
                        "cannot read");
}

/* Keep the key that the scan is at. */
static int cursor_keep_key(scan_cursor *cursor, const kv_value *key) {
  cursor->previous = *key;
  if (key->type != KV_TEXT && key->type != KV_BLOB) return SQLITE_OK;
  if (key->n > cursor->n_previous_bytes || !cursor->previous_bytes) {
    size_t n = 2 * key->n + 64;
    char *bytes = sqlite3_realloc64(cursor->previous_bytes, n);
    if (!bytes) return SQLITE_NOMEM;
    cursor->previous_bytes = bytes;
    cursor->n_previous_bytes = n;
  }
  if (key->n) memcpy(cursor->previous_bytes, key->z, key->n);
  cursor->previous.z = cursor->previous_bytes;
  return SQLITE_OK;
}

/* Is the key of this row one of the strict bounds? */
static int cursor_is_bound(const kv_value *key, sqlite3_value *bound,
                           int *is_bound) {
  kv_value value;
  int rc;

  *is_bound = 0;
  if (!bound) return SQLITE_OK;
  rc = kv_value_of(bound, &value);
  *is_bound = rc == SQLITE_OK && kv_order_keys(key, &value) == 0;
  return rc;
}

/* Make the row of a key the current one, if it exists. */
static int cursor_find(scan_cursor *cursor, const kv_value *key) {
  kv_stmts *stmts = &cursor->store->stmts;
  int rc;

  kv_stmt_put(stmts, cursor->point_id, cursor->point);
  rc =
    kv_cache_get(stmts, cursor->point_id, key, cursor->as_of, &cursor->point);
  cursor->current = cursor->point;
  return rc;
}

/*
** Was a key there when the scan began? One that was not, because a function
** or a program writes while it reads, is not part of it: else a scan that
** writes a later key for each that it reads never ends.
*/
static int cursor_is_old(scan_cursor *cursor, const kv_value *key,
                         int *is_old) {
  kv_store *store = cursor->store;
  sqlite3_stmt *stmt = NULL;
  int rc;

  *is_old = 1;
  if (store->n_writes == cursor->n_writes) return SQLITE_OK;
  rc = kv_stmt_get(&store->stmts, KV_SQL_KEY_IS_OLD, &stmt);
  if (rc == SQLITE_OK) rc = kv_value_bind(stmt, 1, key);
  if (rc == SQLITE_OK) {
    rc = sqlite3_bind_text(stmt, 2, store->device, -1, SQLITE_STATIC);
  }
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 3, cursor->last_seq);
  if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
  *is_old = rc == SQLITE_ROW;
  kv_stmt_put(&store->stmts, KV_SQL_KEY_IS_OLD, stmt);
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The scan came to a new key: make its latest row the current one. */
static int cursor_enter_key(scan_cursor *cursor, const kv_value *key) {
  int is_low = 0;
  int is_high = 0;
  int is_old = 1;
  int rc = cursor_is_bound(key, cursor->low, &is_low);

  if (rc == SQLITE_OK) rc = cursor_is_bound(key, cursor->high, &is_high);
  if (rc == SQLITE_OK) rc = cursor_keep_key(cursor, key);
  if (rc == SQLITE_OK) rc = cursor_is_old(cursor, &cursor->previous, &is_old);
  if (rc != SQLITE_OK || is_low || is_high || !is_old) return rc;
  if (!(cursor->plan & PLAN_DESC)) {
    /* A deletion has no value: mostly the one that is asked for tells. */
    sqlite3_value *value = sqlite3_column_value(cursor->scan, KV_COLUMN_VALUE);

    if (sqlite3_value_type(value) != SQLITE_NULL ||
        sqlite3_column_int(cursor->scan, KV_COLUMN_OP) == KV_OP_SET) {
      cursor->current = cursor->scan;
      cursor->value = value;
    }
    return SQLITE_OK;
  }
  return cursor_find(cursor, &cursor->previous);
}

/* The statement of a scan. */
static kv_sql cursor_scan_text(const scan_cursor *cursor, int has_high) {
  if (cursor->plan & PLAN_AS_OF) {
    if (cursor->plan & PLAN_DESC) {
      return has_high ? KV_SQL_SCAN_AS_OF_TO_DESC : KV_SQL_SCAN_AS_OF_DESC;
    }
    return has_high ? KV_SQL_SCAN_AS_OF_TO : KV_SQL_SCAN_AS_OF;
  }
  if (cursor->plan & PLAN_DESC) {
    return has_high ? KV_SQL_SCAN_TO_DESC : KV_SQL_SCAN_DESC;
  }
  if (cursor->plan & PLAN_VALUE) {
    return has_high ? KV_SQL_SCAN_VALUE_TO : KV_SQL_SCAN_VALUE;
  }
  return has_high ? KV_SQL_SCAN_TO : KV_SQL_SCAN;
}

/* Get the statement of a scan and bind its bounds, NULL where there is none. */
static int cursor_open_scan(scan_cursor *cursor, sqlite3_value *low,
                            sqlite3_value *high) {
  int rc;

  cursor->scan_id = cursor_scan_text(cursor, high != NULL);
  rc = kv_stmt_get(&cursor->store->stmts, cursor->scan_id, &cursor->scan);
  if (cursor->scan) cursor->store->n_scans++;
  if (rc == SQLITE_OK) {
    rc = low ? sqlite3_bind_value(cursor->scan, 1, low)
             : sqlite3_bind_double(cursor->scan, 1, -INFINITY);
  }
  if (rc == SQLITE_OK && high) rc = sqlite3_bind_value(cursor->scan, 2, high);
  if (rc == SQLITE_OK && cursor->plan & PLAN_AS_OF) {
    rc = sqlite3_bind_int64(cursor->scan, high ? 3 : 2, cursor->as_of);
  }
  return rc;
}

int kv_scan_next(sqlite3_vtab_cursor *base) {
  scan_cursor *cursor = (scan_cursor *)base;
  int rc = SQLITE_OK;

  cursor->current = NULL;
  cursor->value = NULL;
  if (cursor->plan & PLAN_POINT) return SQLITE_OK;
  while (rc == SQLITE_OK && !cursor->current) {
    kv_value key;

    rc = sqlite3_step(cursor->scan);
    if (rc == SQLITE_DONE) return SQLITE_OK;
    if (rc != SQLITE_ROW) break;
    if (cursor->plan & PLAN_TIME) {
      cursor->current = cursor->scan;
      return SQLITE_OK;
    }
    rc = kv_value_of_column(cursor->scan, KV_COLUMN_KEY, &key);
    if (rc == SQLITE_OK && (cursor->previous.type == KV_NULL ||
                            kv_order_keys(&key, &cursor->previous) != 0)) {
      rc = cursor_enter_key(cursor, &key);
    }
  }
  return cursor_fail(cursor, rc);
}

static int cursor_point(scan_cursor *cursor, sqlite3_value *value) {
  kv_store *store = cursor->store;
  kv_value key;
  int rc = kv_value_of(value, &key);

  if (rc == SQLITE_OK && key.type == KV_NULL) return SQLITE_OK;
  if (rc == SQLITE_OK && kv_late_find(&store->pending.late, &key)) {
    rc = kv_write_flush(store, &cursor->base.pVtab->zErrMsg);
  }
  if (rc == SQLITE_OK) rc = cursor_find(cursor, &key);
  if (rc == SQLITE_OK && cursor->point &&
      cursor->point_id == KV_SQL_CACHE_LATEST) {
    kv_write_found(store, &key, cursor->point);
  }
  return cursor_fail(cursor, rc);
}

/*
** Are these the bounds that SQLite makes of a LIKE pattern, the prefix in
** upper case, and in lower case with its last byte one greater? Then they
** bound bytes, too. Bounds that a user wrote, with COLLATE NOCASE, do not.
*/
static int cursor_is_prefix(sqlite3_value *pattern, sqlite3_value *low,
                            sqlite3_value *high) {
  const unsigned char *p = sqlite3_value_text(pattern);
  const unsigned char *a = sqlite3_value_text(low);
  const unsigned char *b = sqlite3_value_text(high);
  int n = sqlite3_value_bytes(low);
  int i;

  if (!p || !a || !b || n < 1 || sqlite3_value_bytes(high) != n ||
      sqlite3_value_bytes(pattern) < n) {
    return 0;
  }
  for (i = 0; i < n; i++) {
    int is_lower = p[i] >= 'a' && p[i] <= 'z';
    int is_upper = p[i] >= 'A' && p[i] <= 'Z';

    if (p[i] >= 0x80 || p[i] == '%' || p[i] == '_') return 0;
    if (a[i] != (is_lower ? p[i] - 32 : p[i])) return 0;
    if (b[i] != (is_upper ? p[i] + 32 : p[i]) + (i == n - 1)) return 0;
  }
  return 1;
}

/* Start a scan between two bounds, each NULL if there is none. */
static int cursor_scan(scan_cursor *cursor, sqlite3_value *low,
                       sqlite3_value *high) {
  int rc = kv_store_last_seq(cursor->store, &cursor->last_seq);

  cursor->n_writes = cursor->store->n_writes;
  if (rc == SQLITE_OK && low && (cursor->plan & PLAN_LOW_STRICT)) {
    cursor->low = sqlite3_value_dup(low);
    if (!cursor->low) rc = SQLITE_NOMEM;
  }
  if (rc == SQLITE_OK && high && (cursor->plan & PLAN_HIGH_STRICT)) {
    cursor->high = sqlite3_value_dup(high);
    if (!cursor->high) rc = SQLITE_NOMEM;
  }
  if (rc == SQLITE_OK) rc = cursor_open_scan(cursor, low, high);
  if (rc != SQLITE_OK) return cursor_fail(cursor, rc);
  return kv_scan_next(&cursor->base);
}

/* Start to read a stretch of time. */
static int cursor_scan_time(scan_cursor *cursor, sqlite3_value **argv) {
  int64_t first;
  int64_t last;
  int rc = kv_store_last_seq(cursor->store, &cursor->last_seq);

  cursor->scan_id =
    cursor->plan & PLAN_DESC ? KV_SQL_SCAN_TIME_DESC : KV_SQL_SCAN_TIME;
  kv_upkeep_want_index(cursor->store);
  kv_time_range_read(cursor->plan, argv, &first, &last);
  if (rc == SQLITE_OK) {
    rc = kv_stmt_get(&cursor->store->stmts, cursor->scan_id, &cursor->scan);
    if (cursor->scan) cursor->store->n_scans++;
  }
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(cursor->scan, 1, first);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(cursor->scan, 2, last);
  if (rc == SQLITE_OK) {
    rc = sqlite3_bind_text(cursor->scan, 3, cursor->store->device, -1,
                           SQLITE_STATIC);
  }
  if (rc == SQLITE_OK) {
    rc = sqlite3_bind_int64(cursor->scan, 4, cursor->last_seq);
  }
  if (rc != SQLITE_OK) return cursor_fail(cursor, rc);
  return kv_scan_next(&cursor->base);
}

int kv_scan_filter(sqlite3_vtab_cursor *base, int plan, const char *unused,
                   int argc, sqlite3_value **argv) {
  scan_cursor *cursor = (scan_cursor *)base;
  sqlite3_value *low = NULL;
  sqlite3_value *high = NULL;
  int i = 0;
  int rc;

  (void)unused;
  (void)argc;
  cursor_reset(cursor);
  cursor->plan = plan;
  cursor->as_of = INT64_MAX;
  cursor->point_id = plan & PLAN_AS_OF ? KV_SQL_CACHE_ROW
                     : plan & PLAN_VALUE && !cursor->store->pending.is_open
                       ? KV_SQL_CACHE_VALUE
                       : KV_SQL_CACHE_LATEST;
  if (plan & PLAN_AS_OF) {
    cursor->as_of_value = sqlite3_value_dup(argv[i]);
    if (!cursor->as_of_value) return SQLITE_NOMEM;
    if (sqlite3_value_type(argv[i]) != SQLITE_NULL) {
      rc = kv_argument_time(argv[i], kv_store_now(cursor->store),
                            &cursor->as_of, &base->pVtab->zErrMsg);
      if (rc != SQLITE_OK) return rc;
    }
    i++;
  }
  if (plan & PLAN_POINT) return cursor_point(cursor, argv[i]);
  rc = kv_write_flush(cursor->store, &base->pVtab->zErrMsg);
  if (rc != SQLITE_OK) return rc;
  if (plan & PLAN_TIME) return cursor_scan_time(cursor, argv);
  if (plan & PLAN_LOW) low = argv[i++];
  if (plan & PLAN_HIGH) high = argv[i++];
  if (plan & PLAN_LIKE && cursor_is_prefix(argv[i], argv[i + 1], argv[i + 2])) {
    low = argv[i + 1];
    high = kv_plan_takes_blobs() ? NULL : argv[i + 2];
  }
  if ((low && sqlite3_value_type(low) == SQLITE_NULL) ||
      (high && sqlite3_value_type(high) == SQLITE_NULL)) {
    return SQLITE_OK;
  }
  return cursor_scan(cursor, low, high);
}

int kv_scan_eof(sqlite3_vtab_cursor *base) {
  return ((scan_cursor *)base)->current == NULL;
}

int kv_scan_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx,
                   int column) {
  static const int from[] = {
    KV_COLUMN_KEY,    KV_COLUMN_VALUE,    -1, KV_COLUMN_TS, KV_COLUMN_TS,
    KV_COLUMN_DEVICE, KV_COLUMN_PARENT_TS};
  scan_cursor *cursor = (scan_cursor *)base;
  char time[KV_TIME_SIZE];

  if (column == TABLE_AS_OF) {
    /* An UPDATE of the past is told by it, so it is always given. */
    if (cursor->as_of_value) sqlite3_result_value(ctx, cursor->as_of_value);
    return SQLITE_OK;
  }
  if (column > TABLE_AS_OF && sqlite3_vtab_nochange(ctx)) return SQLITE_OK;
  if (column == TABLE_TIME) {
    kv_time_format(sqlite3_column_int64(cursor->current, KV_COLUMN_TS), time);
    sqlite3_result_text(ctx, time, -1, SQLITE_TRANSIENT);
  } else if (column == TABLE_KEY && cursor->current == cursor->scan &&
             cursor->previous.type != KV_NULL) {
    kv_value_result(ctx, &cursor->previous);
  } else if (column == TABLE_VALUE && cursor->value) {
    return kv_value_result_value(ctx, cursor->value);
  } else {
    return kv_value_result_column(ctx, cursor->current, from[column]);
  }
  return SQLITE_OK;
}

/* WITHOUT ROWID tables have none. */
int kv_scan_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  (void)base;
  *out = 0;
  return SQLITE_OK;
}
