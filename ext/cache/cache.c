/*
** The logs cache. See cache.h.
*/
#include "cache.h"

#include <assert.h>
#include <string.h>

#include "db/error.h"
#include "db/handle.h"
#include "db/value.h"
#include "folder/folder.h"
#include "values.h"

static const kv_sql cache_creates[] = {
  KV_SQL_META_CREATE, KV_SQL_CACHE_CREATE,   KV_SQL_CURSOR_CREATE,
  KV_SQL_SEEN_CREATE, KV_SQL_ARRIVAL_CREATE, KV_SQL_FORMER_CREATE,
  KV_SQL_LARGE_CREATE};
#define CACHE_TABLES (int)(sizeof(cache_creates) / sizeof(*cache_creates))

static int cache_run(kv_stmts *stmts, kv_sql id) {
  kv_stmt_holes holes = {.schema = stmts->schema, .name = stmts->name};

  return kv_stmt_exec_filled(stmts->db, id, &holes);
}

/* One number from a statement; `otherwise` if it is NULL. */
static int cache_number(kv_stmts *stmts, kv_sql id, const int64_t *parameter,
                        int64_t otherwise, int64_t *out) {
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_get(stmts, id, &stmt);

  *out = otherwise;
  if (rc == SQLITE_OK && parameter) {
    rc = sqlite3_bind_int64(stmt, 1, *parameter);
  }
  if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW) {
    if (sqlite3_column_type(stmt, 0) == SQLITE_INTEGER) {
      *out = sqlite3_column_int64(stmt, 0);
    }
    rc = SQLITE_OK;
  }
  kv_stmt_put(stmts, id, stmt);
  return rc;
}

int kv_cache_create(kv_stmts *stmts) {
  int rc = SQLITE_OK;
  int i;

  for (i = 0; i < CACHE_TABLES && rc == SQLITE_OK; i++) {
    rc = cache_run(stmts, cache_creates[i]);
  }
  if (rc == SQLITE_OK) rc = kv_cache_begin_epoch(stmts);
  return rc;
}

int kv_cache_drop(kv_stmts *stmts) {
  kv_stmt_clear(stmts);
  return cache_run(stmts, KV_SQL_CACHE_DROP);
}

int kv_cache_rename(kv_stmts *stmts, const char *new_name) {
  kv_stmt_holes holes = {.schema = stmts->schema,
                         .name = new_name,
                         .old_schema = stmts->schema,
                         .old_name = stmts->name};

  kv_stmt_clear(stmts);
  return kv_stmt_exec_filled(stmts->db, KV_SQL_CACHE_RENAME, &holes);
}

int kv_cache_check(kv_stmts *stmts, int *is_usable, kv_meta *out) {
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_get(stmts, KV_SQL_META_GET, &stmt);

  *is_usable = 0;
  memset(out, 0, sizeof(*out));
  if (rc == SQLITE_OK) rc = sqlite3_bind_int(stmt, 1, KV_CACHE_FORMAT);
  if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
  *is_usable = rc == SQLITE_ROW;
  if (*is_usable) {
    out->epoch = sqlite3_column_int64(stmt, 0);
    out->is_indexed = sqlite3_column_int(stmt, 1);
    out->swept_arrival = sqlite3_column_int64(stmt, 2);
    out->swept_rows = sqlite3_column_int64(stmt, 3);
    out->n_front = sqlite3_column_int64(stmt, 4);
  }
  kv_stmt_put(stmts, KV_SQL_META_GET, stmt);
  return rc == SQLITE_ROW || rc == SQLITE_DONE || rc == SQLITE_ERROR ? SQLITE_OK
                                                                     : rc;
}

int kv_cache_format(kv_stmts *stmts, int64_t *out) {
  int rc = cache_number(stmts, KV_SQL_META_FORMAT, NULL, 0, out);

  return rc == SQLITE_ERROR ? SQLITE_OK : rc;
}

int kv_cache_is_whole(kv_stmts *stmts, int *is_whole) {
  int rc = kv_stmt_exec(stmts, KV_SQL_CACHE_SHAPE);

  *is_whole = rc == SQLITE_OK;
  return rc == SQLITE_ERROR ? SQLITE_OK : rc;
}

int kv_cache_index(kv_stmts *stmts) {
  kv_stmt_holes holes = {.schema = stmts->schema, .name = stmts->name};
  int rc;

  kv_handle_random(stmts->db, sizeof(holes.index),
                   (unsigned char *)&holes.index);
  rc = kv_stmt_exec_filled(stmts->db, KV_SQL_CACHE_INDEX, &holes);
  return rc == SQLITE_OK ? kv_stmt_exec(stmts, KV_SQL_META_INDEXED) : rc;
}

int kv_cache_begin_epoch(kv_stmts *stmts) {
  char machine[KV_MACHINE_SIZE];
  uint32_t random;
  uint64_t id;
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_get(stmts, KV_SQL_META_PUT, &stmt);

  kv_handle_random(stmts->db, sizeof(random), (unsigned char *)&random);
  kv_handle_random(stmts->db, sizeof(id), (unsigned char *)&id);
  kv_folder_machine(machine);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int(stmt, 1, KV_CACHE_FORMAT);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 2, (int64_t)(id >> 1 | 1));
  if (rc == SQLITE_OK) {
    rc = sqlite3_bind_text(stmt, 3, machine, -1, SQLITE_STATIC);
  }
  rc = kv_stmt_finish(stmts, KV_SQL_META_PUT, stmt, rc);
  if (rc == SQLITE_OK) rc = kv_stmt_get(stmts, KV_SQL_META_EPOCH, &stmt);
  if (rc != SQLITE_OK) return rc;
  rc = sqlite3_bind_int(stmt, 1, 1 + (int)(random % (KV_EPOCHS - 1)));
  return kv_stmt_finish(stmts, KV_SQL_META_EPOCH, stmt, rc);
}

int kv_cache_rows(kv_stmts *stmts, int64_t *out) {
  return cache_number(stmts, KV_SQL_CURSOR_ROWS, NULL, 0, out);
}

void kv_cache_winner(sqlite3_stmt *row, kv_winner *out) {
  const void *device = sqlite3_column_text(row, KV_COLUMN_DEVICE);
  size_t n = (size_t)sqlite3_column_bytes(row, KV_COLUMN_DEVICE);

  memset(out, 0, sizeof(*out));
  out->is_found = 1;
  out->ts = sqlite3_column_int64(row, KV_COLUMN_TS);
  if (device && n < sizeof(out->device)) memcpy(out->device, device, n);
  out->seq = sqlite3_column_int64(row, KV_COLUMN_SEQ);
  out->op = sqlite3_column_int(row, KV_COLUMN_OP);
  if (sqlite3_column_type(row, KV_COLUMN_PARENT_TS) == SQLITE_INTEGER) {
    out->parent_ts.type = KV_INTEGER;
    out->parent_ts.i = sqlite3_column_int64(row, KV_COLUMN_PARENT_TS);
  }
}

int kv_cache_find(kv_stmts *stmts, const kv_value *key, kv_winner *out) {
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_get(stmts, KV_SQL_CACHE_LATEST, &stmt);

  memset(out, 0, sizeof(*out));
  out->ts = -1;
  if (rc == SQLITE_OK) rc = kv_value_bind(stmt, 1, key);
  if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW) kv_cache_winner(stmt, out);
  kv_stmt_put(stmts, KV_SQL_CACHE_LATEST, stmt);
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int kv_cache_value(kv_stmts *stmts, sqlite3_stmt *row, kv_value *large,
                   sqlite3_value **value) {
  int64_t first;

  /* A deletion has none: mostly the one that is asked for tells. */
  *value = sqlite3_column_value(row, KV_COLUMN_VALUE);
  if (sqlite3_value_type(*value) != SQLITE_NULL) return SQLITE_OK;
  first = sqlite3_column_int64(row, KV_COLUMN_LARGE);
  if (first && large) return kv_values_read(stmts, first, large);
  if (sqlite3_column_int(row, KV_COLUMN_OP) != KV_OP_SET) *value = NULL;
  return SQLITE_OK;
}

int kv_cache_get(kv_stmts *stmts, kv_sql id, const kv_value *key, int64_t as_of,
                 sqlite3_stmt **out, kv_value *large, sqlite3_value **value) {
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_get(stmts, id, &stmt);

  *out = NULL;
  *value = NULL;
  if (rc == SQLITE_OK) rc = kv_value_bind(stmt, 1, key);
  if (rc == SQLITE_OK && id == KV_SQL_CACHE_ROW) {
    rc = sqlite3_bind_int64(stmt, 2, as_of);
  }
  if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW) rc = kv_cache_value(stmts, stmt, large, value);
  if (rc == SQLITE_OK && *value) {
    *out = stmt;
    return SQLITE_OK;
  }
  *value = NULL;
  kv_stmt_put(stmts, id, stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int kv_cache_run_for(kv_stmts *stmts, kv_sql id, const char *device) {
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_get(stmts, id, &stmt);

  if (rc == SQLITE_OK) {
    rc = sqlite3_bind_text(stmt, 1, device, -1, SQLITE_STATIC);
  }
  return kv_stmt_finish(stmts, id, stmt, rc);
}

int kv_cache_forget(kv_stmts *stmts, const char *device) {
  int rc;

  assert(!sqlite3_get_autocommit(stmts->db)); /* inside a savepoint */
  rc = kv_cache_run_for(stmts, KV_SQL_CACHE_FORGET, device);
  if (rc == SQLITE_OK) rc = kv_values_trim(stmts);
  if (rc == SQLITE_OK) rc = kv_stmt_exec(stmts, KV_SQL_CACHE_PROMOTE);
  if (rc == SQLITE_OK) rc = kv_cache_run_for(stmts, KV_SQL_SEEN_FORGET, device);
  if (rc == SQLITE_OK) {
    rc = kv_cache_run_for(stmts, KV_SQL_ARRIVAL_FORGET, device);
  }
  if (rc == SQLITE_OK) rc = kv_cache_begin_epoch(stmts);
  return rc;
}

int kv_cache_last_arrival(kv_stmts *stmts, int64_t *out) {
  return cache_number(stmts, KV_SQL_ARRIVAL_LAST, NULL, 0, out);
}

int kv_cache_put_arrival(kv_stmts *stmts, int64_t arrived, const char *device,
                         const kv_span *span) {
  sqlite3_stmt *stmt = NULL;
  int rc;

  assert(span->first_seq <= span->last_seq);
  rc = kv_stmt_get(stmts, KV_SQL_ARRIVAL_PUT, &stmt);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 1, arrived);
  if (rc == SQLITE_OK) {
    rc = sqlite3_bind_text(stmt, 2, device, -1, SQLITE_STATIC);
  }
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 3, span->first_seq);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 4, span->last_seq);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 5, span->first_ts);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 6, span->last_ts);
  return kv_stmt_finish(stmts, KV_SQL_ARRIVAL_PUT, stmt, rc);
}

int kv_cache_arrive_again(kv_stmts *stmts, const char *device,
                          const kv_span *span) {
  int64_t last;
  int rc = kv_cache_last_arrival(stmts, &last);

  if (rc == SQLITE_OK) {
    rc = kv_cache_run_for(stmts, KV_SQL_ARRIVAL_FORGET, device);
  }
  if (rc == SQLITE_OK && span->last_seq > 0) {
    rc = kv_cache_put_arrival(stmts, last + 1, device, span);
  }
  return rc == SQLITE_OK ? kv_cache_begin_epoch(stmts) : rc;
}

int kv_cache_latest(kv_stmts *stmts, int64_t limit, int64_t *out) {
  return cache_number(stmts, KV_SQL_CURSOR_LATEST, &limit, -1, out);
}

int kv_cache_count(kv_stmts *stmts, const char *device, int64_t *out) {
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_get(stmts, KV_SQL_OWN_COUNT, &stmt);

  *out = 0;
  if (rc == SQLITE_OK) {
    rc = sqlite3_bind_text(stmt, 1, device, -1, SQLITE_STATIC);
  }
  if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW) *out = sqlite3_column_int64(stmt, 0);
  kv_stmt_put(stmts, KV_SQL_OWN_COUNT, stmt);
  return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

int kv_cache_put_seen(kv_stmts *stmts, const char *device, const kv_row *row) {
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_get(stmts, KV_SQL_SEEN_PUT, &stmt);

  if (rc == SQLITE_OK) {
    rc = sqlite3_bind_text(stmt, 1, device, -1, SQLITE_STATIC);
  }
  if (rc == SQLITE_OK) rc = kv_value_bind(stmt, 2, &row->bucket);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 3, row->seq);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 4, row->txn);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 5, row->ts);
  if (rc == SQLITE_OK) rc = kv_value_bind(stmt, 6, &row->key);
  if (rc == SQLITE_OK) rc = kv_value_bind(stmt, 7, &row->value);
  if (rc == SQLITE_OK) rc = kv_value_bind(stmt, 8, &row->parent_ts);
  return kv_stmt_finish(stmts, KV_SQL_SEEN_PUT, stmt, rc);
}
