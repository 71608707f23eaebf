/*
** The virtual table kv: the latest value of each key.
**
**     CREATE VIRTUAL TABLE kv USING kv('notes.kv', device='laptop');
**     key | value    hidden: as_of, ts, time, device, parent_ts
**
** A scan reads the cache in key order, where a key's latest row comes first,
** and skips the older ones. Backwards the latest row of a key comes last, so
** it is looked up. Reads never write, sync, or touch a file.
*/
#include <math.h>
#include <string.h>

#include "arguments.h"
#include "core/clock.h"
#include "core/names.h"
#include "core/order.h"
#include "store/device_log.h"
#include "store/error.h"
#include "store/publish.h"
#include "store/value.h"
#include "store/write.h"
#include "surface.h"

typedef struct kv_table {
  sqlite3_vtab base; /* base class: must be first */
  kv_store *store;
} kv_table;

typedef struct table_cursor {
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
  kv_value previous;     /* the key that the scan was at */
  char *previous_bytes;
  size_t n_previous_bytes; /* allocated */
  sqlite3_value *low;      /* bounds that are not to be met themselves */
  sqlite3_value *high;
} table_cursor;

enum {
  TABLE_KEY,
  TABLE_VALUE,
  TABLE_AS_OF,
  TABLE_TS,
  TABLE_TIME,
  TABLE_DEVICE,
  TABLE_PARENT_TS,
  TABLE_COLUMNS
};

/* The plan of a scan, in idxNum; its arguments come in this order. */
enum {
  PLAN_AS_OF = 1,
  PLAN_POINT = 2,
  PLAN_LOW = 4,
  PLAN_HIGH = 8,
  PLAN_LIKE = 16, /* pattern, then both bounds that SQLite made of it */
  PLAN_LOW_STRICT = 32,
  PLAN_HIGH_STRICT = 64,
  PLAN_DESC = 128,
  PLAN_VALUE = 256 /* no other columns than key and value */
};

static const char table_declaration[] =
  "CREATE TABLE x(key PRIMARY KEY NOT NULL, value, as_of HIDDEN, ts HIDDEN,"
  " time HIDDEN, device HIDDEN, parent_ts HIDDEN) WITHOUT ROWID";

static int table_arguments(int argc, const char *const *argv, kv_arguments *out,
                           char **err) {
  int rc = SQLITE_OK;
  int i;

  if (argc < 4) {
    return kv_error(err, SQLITE_ERROR,
                    "name the folder that the devices share: USING "
                    "kv('notes.kv', device='laptop')");
  }
  rc = kv_arguments_path(out, argv[3]);
  for (i = 4; i < argc && rc == SQLITE_OK; i++) {
    rc = kv_arguments_option(out, argv[i], (int)strlen(argv[i]),
                             " device now adopt ", err);
  }
  if (rc == SQLITE_OK && strcmp(out->path, KV_MEMORY) == 0 && !out->device) {
    out->options.device = "memory";
  }
  return rc;
}

/* xCreate and xConnect. */
static int table_init(sqlite3 *db, void *registry, int argc,
                      const char *const *argv, int is_create,
                      sqlite3_vtab **out, char **err) {
  kv_table *table = kv_zalloc(sizeof(*table));
  kv_arguments arguments;
  int rc = table ? SQLITE_OK : SQLITE_NOMEM;

  kv_arguments_init(&arguments);
  if (rc == SQLITE_OK) rc = table_arguments(argc, argv, &arguments, err);
  if (!is_create) arguments.options.adopt = 0; /* once is enough */
  if (rc == SQLITE_OK) {
    rc = kv_store_open(registry, argv[1], argv[2], &arguments.options,
                       is_create, &table->store, err);
  }
  if (rc == SQLITE_OK && is_create) {
    /* What a table of this name left behind was rolled back with it. */
    kv_publish_rollback(table->store);
    rc = kv_cache_create(&table->store->stmts);
    rc = kv_store_error(table->store, err, rc, "cannot create the cache");
    if (rc == SQLITE_OK && table->store->device) {
      rc = kv_publish_introduce(table->store, err);
    }
  }
  if (rc == SQLITE_OK) rc = sqlite3_declare_vtab(db, table_declaration);
  if (rc == SQLITE_OK) {
    rc = sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
  }
  kv_arguments_clear(&arguments);
  if (rc != SQLITE_OK) {
    if (table) kv_store_close(table->store);
    sqlite3_free(table);
    table = NULL;
  }
  *out = (sqlite3_vtab *)table;
  return rc;
}

static int table_create(sqlite3 *db, void *registry, int argc,
                        const char *const *argv, sqlite3_vtab **out,
                        char **err) {
  return table_init(db, registry, argc, argv, 1, out, err);
}

static int table_connect(sqlite3 *db, void *registry, int argc,
                         const char *const *argv, sqlite3_vtab **out,
                         char **err) {
  return table_init(db, registry, argc, argv, 0, out, err);
}

static int table_disconnect(sqlite3_vtab *vtab) {
  kv_store_close(((kv_table *)vtab)->store);
  sqlite3_free(vtab);
  return SQLITE_OK;
}

/* DROP TABLE. SQLite shows no message of this method, so it is logged. */
static int table_destroy(sqlite3_vtab *vtab) {
  kv_store *store = ((kv_table *)vtab)->store;
  int64_t n = 0;
  int rc = kv_store_unpublished(store, &n);

  if (rc == SQLITE_ERROR) rc = SQLITE_OK; /* shadow tables are gone */
  if (rc == SQLITE_OK && (n > 0 || store->pending.n_rows > 0)) {
    sqlite3_log(SQLITE_LOCKED,
                "kv: table %s holds rows that are not published: call "
                "kv_sync(), or give them up with kv_close('discard=1', '%s')",
                store->name, store->name);
    return SQLITE_LOCKED;
  }
  if (rc == SQLITE_OK) rc = kv_cache_drop(&store->stmts);
  if (rc == SQLITE_OK) rc = table_disconnect(vtab);
  return rc;
}

/* What xBestIndex found: the constraint for each argument, or -1. */
typedef struct table_terms {
  int as_of, point, low, high, like, like_low, like_high;
} table_terms;

static void table_find_key_term(sqlite3_index_info *info, int i,
                                table_terms *terms) {
  int op = info->aConstraint[i].op;
  const char *collation = sqlite3_vtab_collation(info, i);

  if (op == SQLITE_INDEX_CONSTRAINT_LIKE) {
    terms->like = i;
  } else if (sqlite3_stricmp(collation, "NOCASE") == 0) {
    if (op == SQLITE_INDEX_CONSTRAINT_GE) terms->like_low = i;
    if (op == SQLITE_INDEX_CONSTRAINT_LT) terms->like_high = i;
  } else if (sqlite3_stricmp(collation, "BINARY") == 0) {
    switch (op) {
      case SQLITE_INDEX_CONSTRAINT_EQ: terms->point = i; break;
      case SQLITE_INDEX_CONSTRAINT_GT:
      case SQLITE_INDEX_CONSTRAINT_GE: terms->low = i; break;
      case SQLITE_INDEX_CONSTRAINT_LT:
      case SQLITE_INDEX_CONSTRAINT_LE: terms->high = i; break;
      default: break;
    }
  }
}

static int table_use(sqlite3_index_info *info, int i, int omit, int *argv) {
  info->aConstraintUsage[i].argvIndex = ++*argv;
  info->aConstraintUsage[i].omit = (unsigned char)omit;
  return i;
}

/* colUsed of a query that needs no more than keys and values. */
static const sqlite3_uint64 table_value_columns =
  1 << TABLE_KEY | 1 << TABLE_VALUE | 1 << TABLE_AS_OF;

static int table_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  table_terms terms = {-1, -1, -1, -1, -1, -1, -1};
  int argv = 0;
  int plan = 0;
  int i;

  (void)vtab;
  for (i = 0; i < info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];

    if (c->iColumn == TABLE_AS_OF && c->op == SQLITE_INDEX_CONSTRAINT_EQ) {
      if (!c->usable) return SQLITE_CONSTRAINT;
      terms.as_of = i;
    } else if (c->iColumn == TABLE_KEY && c->usable) {
      table_find_key_term(info, i, &terms);
    }
  }

  info->estimatedCost = 1000000.0;
  info->estimatedRows = 1000000;
  if (terms.as_of >= 0) {
    table_use(info, terms.as_of, 1, &argv);
    plan |= PLAN_AS_OF;
  }
  if (terms.point >= 0) {
    table_use(info, terms.point, 1, &argv);
    plan |= PLAN_POINT;
    info->estimatedCost = 10.0;
    info->estimatedRows = 1;
    info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
  } else {
    if (terms.low >= 0) {
      table_use(info, terms.low, 1, &argv);
      plan |= PLAN_LOW;
      if (info->aConstraint[terms.low].op == SQLITE_INDEX_CONSTRAINT_GT) {
        plan |= PLAN_LOW_STRICT;
      }
      info->estimatedCost /= 4;
    }
    if (terms.high >= 0) {
      table_use(info, terms.high, 1, &argv);
      plan |= PLAN_HIGH;
      if (info->aConstraint[terms.high].op == SQLITE_INDEX_CONSTRAINT_LT) {
        plan |= PLAN_HIGH_STRICT;
      }
      info->estimatedCost /= 4;
    }
    if (terms.low < 0 && terms.high < 0 && terms.like >= 0 &&
        terms.like_low >= 0 && terms.like_high >= 0) {
      table_use(info, terms.like, 0, &argv);
      table_use(info, terms.like_low, 0, &argv);
      table_use(info, terms.like_high, 0, &argv);
      plan |= PLAN_LIKE;
      info->estimatedCost /= 8;
    }
    info->estimatedRows = (sqlite3_int64)info->estimatedCost;
  }
  if (info->nOrderBy > 0 && info->aOrderBy[0].iColumn == TABLE_KEY) {
    info->orderByConsumed = 1;
    if (info->aOrderBy[0].desc) plan |= PLAN_DESC;
  }
  if (!(plan & PLAN_AS_OF) && !(info->colUsed & ~table_value_columns)) {
    plan |= PLAN_VALUE;
  }
  info->idxNum = plan;
  return SQLITE_OK;
}

static int table_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
  table_cursor *cursor = kv_zalloc(sizeof(*cursor));

  if (!cursor) return SQLITE_NOMEM;
  cursor->store = ((kv_table *)vtab)->store;
  *out = &cursor->base;
  return SQLITE_OK;
}

static void cursor_reset(table_cursor *cursor) {
  kv_stmts *stmts = &cursor->store->stmts;

  kv_stmt_put(stmts, cursor->point_id, cursor->point);
  cursor->point = NULL;
  kv_stmt_put(stmts, cursor->scan_id, cursor->scan);
  sqlite3_value_free(cursor->as_of_value);
  sqlite3_value_free(cursor->low);
  sqlite3_value_free(cursor->high);
  cursor->scan = NULL;
  cursor->current = NULL;
  cursor->as_of_value = NULL;
  cursor->low = cursor->high = NULL;
  cursor->previous.type = KV_NULL;
}

static int table_close(sqlite3_vtab_cursor *base) {
  table_cursor *cursor = (table_cursor *)base;

  cursor_reset(cursor);
  sqlite3_free(cursor->previous_bytes);
  sqlite3_free(cursor);
  return SQLITE_OK;
}

static int cursor_fail(table_cursor *cursor, int rc) {
  return kv_store_error(cursor->store, &cursor->base.pVtab->zErrMsg, rc,
                        "cannot read");
}

/* Keep the key that the scan is at. */
static int cursor_keep_key(table_cursor *cursor, const kv_value *key) {
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
static int cursor_find(table_cursor *cursor, const kv_value *key) {
  kv_stmts *stmts = &cursor->store->stmts;
  int rc;

  kv_stmt_put(stmts, cursor->point_id, cursor->point);
  rc =
    kv_cache_get(stmts, cursor->point_id, key, cursor->as_of, &cursor->point);
  cursor->current = cursor->point;
  return rc;
}

/* The scan came to a new key: make its latest row the current one. */
static int cursor_enter_key(table_cursor *cursor, const kv_value *key) {
  int is_low = 0;
  int is_high = 0;
  int rc = cursor_is_bound(key, cursor->low, &is_low);

  if (rc == SQLITE_OK) rc = cursor_is_bound(key, cursor->high, &is_high);
  if (rc == SQLITE_OK) rc = cursor_keep_key(cursor, key);
  if (rc != SQLITE_OK || is_low || is_high) return rc;
  if (!(cursor->plan & PLAN_DESC)) {
    if (sqlite3_column_int(cursor->scan, KV_COLUMN_OP) == KV_OP_SET) {
      cursor->current = cursor->scan;
    }
    return SQLITE_OK;
  }
  return cursor_find(cursor, &cursor->previous);
}

static int table_next(sqlite3_vtab_cursor *base) {
  table_cursor *cursor = (table_cursor *)base;
  int rc = SQLITE_OK;

  cursor->current = NULL;
  if (cursor->plan & PLAN_POINT) return SQLITE_OK;
  while (rc == SQLITE_OK && !cursor->current) {
    kv_value key;

    rc = sqlite3_step(cursor->scan);
    if (rc == SQLITE_DONE) return SQLITE_OK;
    if (rc != SQLITE_ROW) break;
    rc = kv_value_of_column(cursor->scan, KV_COLUMN_KEY, &key);
    if (rc == SQLITE_OK && (cursor->previous.type == KV_NULL ||
                            kv_order_keys(&key, &cursor->previous) != 0)) {
      rc = cursor_enter_key(cursor, &key);
    }
  }
  return cursor_fail(cursor, rc);
}

static int cursor_point(table_cursor *cursor, sqlite3_value *value) {
  kv_value key;
  int rc = kv_value_of(value, &key);

  if (rc == SQLITE_OK && key.type == KV_NULL) return SQLITE_OK;
  if (rc == SQLITE_OK) rc = cursor_find(cursor, &key);
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

/* The statement of a scan. */
static kv_sql cursor_scan_text(const table_cursor *cursor, int has_high) {
  if (cursor->plan & PLAN_DESC) {
    return has_high ? KV_SQL_SCAN_TO_DESC : KV_SQL_SCAN_DESC;
  }
  if (has_high) return KV_SQL_SCAN_TO;
  return cursor->plan & PLAN_VALUE ? KV_SQL_SCAN_VALUE : KV_SQL_SCAN;
}

/* Start a scan between two bounds, each NULL if there is none. */
static int cursor_scan(table_cursor *cursor, sqlite3_value *low,
                       sqlite3_value *high) {
  int as_of;
  int rc;

  cursor->scan_id = cursor_scan_text(cursor, high != NULL);
  rc = kv_stmt_get(&cursor->store->stmts, cursor->scan_id, &cursor->scan);
  if (rc == SQLITE_OK) {
    rc = low ? sqlite3_bind_value(cursor->scan, 1, low)
             : sqlite3_bind_double(cursor->scan, 1, -INFINITY);
  }
  if (rc == SQLITE_OK && high) rc = sqlite3_bind_value(cursor->scan, 2, high);
  as_of = high ? 3 : 2;
  if (rc == SQLITE_OK && cursor->scan_id != KV_SQL_SCAN_VALUE) {
    rc = sqlite3_bind_int64(cursor->scan, as_of, cursor->as_of);
  }
  if (rc == SQLITE_OK && low && (cursor->plan & PLAN_LOW_STRICT)) {
    cursor->low = sqlite3_value_dup(low);
    if (!cursor->low) rc = SQLITE_NOMEM;
  }
  if (rc == SQLITE_OK && high && (cursor->plan & PLAN_HIGH_STRICT)) {
    cursor->high = sqlite3_value_dup(high);
    if (!cursor->high) rc = SQLITE_NOMEM;
  }
  if (rc != SQLITE_OK) return cursor_fail(cursor, rc);
  return table_next(&cursor->base);
}

static int table_filter(sqlite3_vtab_cursor *base, int plan, const char *unused,
                        int argc, sqlite3_value **argv) {
  table_cursor *cursor = (table_cursor *)base;
  sqlite3_value *low = NULL;
  sqlite3_value *high = NULL;
  int i = 0;

  (void)unused;
  (void)argc;
  cursor_reset(cursor);
  cursor->plan = plan;
  cursor->as_of = INT64_MAX;
  cursor->point_id = plan & PLAN_VALUE ? KV_SQL_CACHE_VALUE : KV_SQL_CACHE_ROW;
  if (plan & PLAN_AS_OF) {
    cursor->as_of_value = sqlite3_value_dup(argv[i]);
    if (!cursor->as_of_value) return SQLITE_NOMEM;
    if (sqlite3_value_type(argv[i]) != SQLITE_NULL) {
      int rc = kv_argument_time(argv[i], kv_store_now(cursor->store),
                                &cursor->as_of, &base->pVtab->zErrMsg);
      if (rc != SQLITE_OK) return rc;
    }
    i++;
  }
  if (plan & PLAN_POINT) return cursor_point(cursor, argv[i]);
  if (plan & PLAN_LOW) low = argv[i++];
  if (plan & PLAN_HIGH) high = argv[i++];
  if (plan & PLAN_LIKE && cursor_is_prefix(argv[i], argv[i + 1], argv[i + 2])) {
    low = argv[i + 1];
    high = argv[i + 2];
  }
  if ((low && sqlite3_value_type(low) == SQLITE_NULL) ||
      (high && sqlite3_value_type(high) == SQLITE_NULL)) {
    return SQLITE_OK;
  }
  return cursor_scan(cursor, low, high);
}

static int table_eof(sqlite3_vtab_cursor *base) {
  return ((table_cursor *)base)->current == NULL;
}

static int table_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx,
                        int column) {
  static const int from[] = {
    KV_COLUMN_KEY,    KV_COLUMN_VALUE,    -1, KV_COLUMN_TS, KV_COLUMN_TS,
    KV_COLUMN_DEVICE, KV_COLUMN_PARENT_TS};
  table_cursor *cursor = (table_cursor *)base;
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
  } else {
    sqlite3_result_value(ctx,
                         sqlite3_column_value(cursor->current, from[column]));
  }
  return SQLITE_OK;
}

/* WITHOUT ROWID tables have none. */
static int table_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  (void)base;
  *out = 0;
  return SQLITE_OK;
}

/* Is a hidden column of the old row what an UPDATE FROM hands back? */
static int table_is_old(kv_store *store, const kv_value *key, int column,
                        const kv_value *value) {
  char time[KV_TIME_SIZE];
  kv_winner winner;
  kv_value old;

  if (kv_cache_find(&store->stmts, key, &winner) != SQLITE_OK ||
      !winner.is_found) {
    return 0;
  }
  memset(&old, 0, sizeof(old));
  switch (column) {
    case TABLE_TS:
      old.type = KV_INTEGER;
      old.i = winner.ts;
      break;
    case TABLE_TIME:
      kv_time_format(winner.ts, time);
      old.type = KV_TEXT;
      old.z = time;
      old.n = strlen(time);
      break;
    case TABLE_DEVICE:
      old.type = KV_TEXT;
      old.z = winner.device;
      old.n = strlen(winner.device);
      break;
    case TABLE_PARENT_TS: old = winner.parent_ts; break;
    default: break;
  }
  return kv_order_keys(&old, value) == 0;
}

static int table_check_hidden(kv_store *store, const kv_value *old_key,
                              sqlite3_value **columns, char **err) {
  static const char *const names[] = {"key",  "value",  "as_of",    "ts",
                                      "time", "device", "parent_ts"};
  int i;

  for (i = TABLE_AS_OF; i < TABLE_COLUMNS; i++) {
    kv_value value;

    if (sqlite3_value_nochange(columns[i])) continue;
    if (kv_value_of(columns[i], &value) != SQLITE_OK) return SQLITE_NOMEM;
    if (!old_key && value.type == KV_NULL) continue;
    if (i == TABLE_AS_OF && value.type == KV_NULL) continue;
    if (old_key && i != TABLE_AS_OF &&
        table_is_old(store, old_key, i, &value)) {
      continue;
    }
    if (i == TABLE_AS_OF) {
      return kv_error(err, SQLITE_ERROR,
                      "the past cannot be changed: leave out as_of, and set "
                      "the key now");
    }
    return kv_error(err, SQLITE_ERROR,
                    "column %s of %s cannot be written: it is set by the "
                    "store",
                    names[i], store->name);
  }
  return SQLITE_OK;
}

/* INSERT sets, unless it says what to do with a key that exists. */
static kv_on_conflict table_conflict(int mode) {
  switch (mode) {
    case SQLITE_IGNORE: return KV_CONFLICT_IGNORE;
    case SQLITE_FAIL:
    case SQLITE_ROLLBACK: return KV_CONFLICT_FAIL;
    default: return KV_CONFLICT_SET;
  }
}

/* xUpdate(DELETE key), (INSERT NULL, NULL, columns), (UPDATE key, key, ...) */
static int table_update(sqlite3_vtab *vtab, int argc, sqlite3_value **argv,
                        sqlite3_int64 *rowid) {
  kv_store *store = ((kv_table *)vtab)->store;
  int mode = sqlite3_vtab_on_conflict(store->db);
  int is_update = argc > 1 && sqlite3_value_type(argv[0]) != SQLITE_NULL;
  kv_value old_key;
  kv_value key;
  kv_value value;
  int existed;
  int rc = kv_value_of(argv[0], &old_key);

  *rowid = sqlite3_last_insert_rowid(store->db);
  if (rc == SQLITE_OK && argc == 1) {
    return kv_write_delete(store, &old_key, &existed, &vtab->zErrMsg);
  }
  if (rc == SQLITE_OK) rc = kv_value_of(argv[2 + TABLE_KEY], &key);
  if (rc == SQLITE_OK) rc = kv_value_of(argv[2 + TABLE_VALUE], &value);
  if (rc == SQLITE_OK) {
    rc = table_check_hidden(store, is_update ? &old_key : NULL, argv + 2,
                            &vtab->zErrMsg);
  }
  if (rc == SQLITE_OK && is_update) {
    rc = kv_write_rename(store, &old_key, &key, &value,
                         mode == SQLITE_REPLACE ? KV_CONFLICT_SET
                                                : KV_CONFLICT_FAIL,
                         &vtab->zErrMsg);
  } else if (rc == SQLITE_OK) {
    rc =
      kv_write_set(store, &key, &value, table_conflict(mode), &vtab->zErrMsg);
  }
  if (rc == SQLITE_CONSTRAINT_UNIQUE && !vtab->zErrMsg) {
    vtab->zErrMsg =
      sqlite3_mprintf("UNIQUE constraint failed: %s.key", store->name);
  }
  return rc;
}

static int table_begin(sqlite3_vtab *vtab) {
  (void)vtab;
  return SQLITE_OK;
}

static int table_sync(sqlite3_vtab *vtab) {
  return kv_publish_prepare(((kv_table *)vtab)->store, &vtab->zErrMsg);
}

static int table_commit(sqlite3_vtab *vtab) {
  kv_publish_commit(((kv_table *)vtab)->store);
  return SQLITE_OK;
}

static int table_rollback(sqlite3_vtab *vtab) {
  kv_publish_rollback(((kv_table *)vtab)->store);
  return SQLITE_OK;
}

static int table_rename(sqlite3_vtab *vtab, const char *name) {
  kv_store *store = ((kv_table *)vtab)->store;
  return kv_store_error(store, &vtab->zErrMsg, kv_store_rename(store, name),
                        "cannot rename");
}

static int table_savepoint(sqlite3_vtab *vtab, int level) {
  return kv_pending_savepoint(&((kv_table *)vtab)->store->pending, level);
}

static int table_release(sqlite3_vtab *vtab, int level) {
  kv_pending_release(&((kv_table *)vtab)->store->pending, level);
  return SQLITE_OK;
}

static int table_rollback_to(sqlite3_vtab *vtab, int level) {
  kv_store *store = ((kv_table *)vtab)->store;

  kv_publish_undo(store);
  kv_pending_rollback_to(&store->pending, level);
  return kv_publish_resume(store);
}

static int table_shadow_name(const char *name) {
  static const char *const names[] = {"cache", "cursor", "seen", "arrival",
                                      "meta"};
  int i;

  for (i = 0; i < 5; i++) {
    if (sqlite3_stricmp(name, names[i]) == 0) return 1;
  }
  return 0;
}

static const sqlite3_module table_module = {
  3,                 /* iVersion */
  table_create,      /* xCreate */
  table_connect,     /* xConnect */
  table_best_index,  /* xBestIndex */
  table_disconnect,  /* xDisconnect */
  table_destroy,     /* xDestroy */
  table_open,        /* xOpen */
  table_close,       /* xClose */
  table_filter,      /* xFilter */
  table_next,        /* xNext */
  table_eof,         /* xEof */
  table_column,      /* xColumn */
  table_rowid,       /* xRowid */
  table_update,      /* xUpdate */
  table_begin,       /* xBegin */
  table_sync,        /* xSync */
  table_commit,      /* xCommit */
  table_rollback,    /* xRollback */
  NULL,              /* xFindFunction */
  table_rename,      /* xRename */
  table_savepoint,   /* xSavepoint */
  table_release,     /* xRelease */
  table_rollback_to, /* xRollbackTo */
  table_shadow_name, /* xShadowName */
#if SQLITE_VERSION_NUMBER >= 3044000
  NULL, /* xIntegrity */
#endif
};

int kv_table_register(sqlite3 *db, kv_registry *registry) {
  kv_registry_retain(registry);
  return sqlite3_create_module_v2(db, "kv", &table_module, registry,
                                  kv_registry_release);
}
