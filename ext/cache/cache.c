/*
** The logs cache. See cache.h.
*/
#include "cache.h"

#include <assert.h>
#include <string.h>

#include "db/error.h"
#include "db/handle.h"
#include "db/run.h"
#include "folder/folder.h"
#include "values.h"

static const kv_sql cache_creates[] = {
  KV_SQL_META_CREATE,  KV_SQL_CACHE_CREATE,    KV_SQL_CURSOR_CREATE,
  KV_SQL_SEEN_CREATE,  KV_SQL_ARRIVAL_CREATE,  KV_SQL_FORMER_CREATE,
  KV_SQL_LARGE_CREATE, KV_SQL_CONTESTED_CREATE};
#define CACHE_TABLES (int)(sizeof(cache_creates) / sizeof(*cache_creates))

/* Columns of meta_get. */
enum {
  META_EPOCH,
  META_IS_INDEXED,
  META_SWEPT_ARRIVAL,
  META_SWEPT_ROWS,
  META_N_FRONT,
  META_DROPPED,
  META_JUDGED,
  META_JUDGED_ROWS,
  META_N_CONTESTED
};

static int cache_run(kv_stmts *stmts, kv_sql id) {
  kv_stmt_holes holes = {.schema = stmts->schema, .name = stmts->name};

  return kv_stmt_exec_filled(stmts->db, id, &holes);
}

/* The number of a statement without parameters; 0 if it is NULL. */
static int cache_number(kv_stmts *stmts, kv_sql id, int64_t *out) {
  kv_run run;

  *out = 0;
  kv_run_begin(&run, stmts, id);
  return kv_run_number(&run, out);
}

/* Run a statement with a number as its only parameter. */
static int cache_note(kv_stmts *stmts, kv_sql id, int64_t number) {
  kv_run run;

  kv_run_begin(&run, stmts, id);
  kv_run_int(&run, number);
  return kv_run_end(&run);
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

int kv_cache_carry(kv_stmts *stmts, int64_t format, const char *aside) {
  kv_stmts kept = {stmts->db, stmts->schema, aside, {NULL}, NULL};
  kv_stmt_holes holes = {.schema = stmts->schema,
                         .name = stmts->name,
                         .old_schema = stmts->schema,
                         .old_name = aside};
  int rc = kv_stmt_exec_filled(stmts->db, KV_SQL_CACHE_KEEP, &holes);

  if (rc == SQLITE_OK) {
    rc = kv_stmt_exec_filled(
      stmts->db,
      format < 14 ? KV_SQL_CACHE_KEEP_ROWS_13 : KV_SQL_CACHE_KEEP_ROWS, &holes);
  }
  if (rc == SQLITE_OK) rc = kv_cache_drop(stmts);
  if (rc == SQLITE_OK) rc = kv_cache_create(stmts);
  if (rc == SQLITE_OK) {
    rc = kv_stmt_exec_filled(stmts->db, KV_SQL_CACHE_CARRY, &holes);
  }
  if (rc == SQLITE_OK) rc = kv_cache_drop(&kept);
  kv_stmt_clear(&kept);
  return rc;
}

int kv_cache_check(kv_stmts *stmts, int *is_usable, kv_meta *out) {
  kv_run run;
  int rc;

  memset(out, 0, sizeof(*out));
  kv_run_begin(&run, stmts, KV_SQL_META_GET);
  kv_run_int(&run, KV_CACHE_FORMAT);
  *is_usable = kv_run_row(&run);
  if (*is_usable) {
    out->epoch = sqlite3_column_int64(run.stmt, META_EPOCH);
    out->is_indexed = sqlite3_column_int(run.stmt, META_IS_INDEXED);
    out->swept_arrival = sqlite3_column_int64(run.stmt, META_SWEPT_ARRIVAL);
    out->swept_rows = sqlite3_column_int64(run.stmt, META_SWEPT_ROWS);
    out->n_front = sqlite3_column_int64(run.stmt, META_N_FRONT);
    out->dropped = sqlite3_column_int64(run.stmt, META_DROPPED);
    out->judged = sqlite3_column_int(run.stmt, META_JUDGED);
    out->judged_rows = sqlite3_column_int64(run.stmt, META_JUDGED_ROWS);
    out->n_contested = sqlite3_column_int64(run.stmt, META_N_CONTESTED);
  }
  rc = kv_run_close(&run);
  return rc == SQLITE_ERROR ? SQLITE_OK : rc;
}

int kv_cache_format(kv_stmts *stmts, int64_t *out) {
  int rc = cache_number(stmts, KV_SQL_META_FORMAT, out);

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
  kv_run run;
  int rc;

  kv_handle_random(stmts->db, sizeof(random), (unsigned char *)&random);
  kv_handle_random(stmts->db, sizeof(id), (unsigned char *)&id);
  kv_folder_machine(machine);
  kv_run_begin(&run, stmts, KV_SQL_META_PUT);
  kv_run_int(&run, KV_CACHE_FORMAT);
  kv_run_int(&run, (int64_t)(id >> 1 | 1));
  kv_run_text(&run, machine);
  rc = kv_run_end(&run);
  if (rc != SQLITE_OK) return rc;
  kv_run_begin(&run, stmts, KV_SQL_META_EPOCH);
  kv_run_int(&run, 1 + (int)(random % (KV_EPOCHS - 1)));
  return kv_run_end(&run);
}

int kv_cache_rows(kv_stmts *stmts, int64_t *out) {
  return cache_number(stmts, KV_SQL_CURSOR_ROWS, out);
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
  kv_run run;

  memset(out, 0, sizeof(*out));
  out->ts = -1;
  kv_run_begin(&run, stmts, KV_SQL_CACHE_LATEST);
  kv_run_value(&run, key);
  if (kv_run_row(&run)) kv_cache_winner(run.stmt, out);
  return kv_run_close(&run);
}

int kv_cache_value(kv_stmts *stmts, sqlite3_stmt *row, kv_value *large,
                   sqlite3_value **value) {
  int64_t first;

  /* A deletion has no value; usually this column alone shows that. */
  *value = sqlite3_column_value(row, KV_COLUMN_VALUE);
  if (sqlite3_value_type(*value) != SQLITE_NULL) return SQLITE_OK;
  first = sqlite3_column_int64(row, KV_COLUMN_LARGE);
  if (first && large) return kv_values_read(stmts, first, large);
  if (sqlite3_column_int(row, KV_COLUMN_OP) != KV_OP_SET) *value = NULL;
  return SQLITE_OK;
}

int kv_cache_get(kv_run *run, kv_stmts *stmts, kv_sql id, const kv_value *key,
                 int64_t as_of, kv_value *large, sqlite3_value **value) {
  *value = NULL;
  kv_run_begin(run, stmts, id);
  kv_run_value(run, key);
  if (id == KV_SQL_CACHE_ROW) kv_run_int(run, as_of);
  if (kv_run_row(run)) run->rc = kv_cache_value(stmts, run->stmt, large, value);
  if (run->rc == SQLITE_OK && *value) return SQLITE_OK;
  *value = NULL;
  return kv_run_close(run);
}

int kv_cache_run_for(kv_stmts *stmts, kv_sql id, const char *device) {
  kv_run run;

  kv_run_begin(&run, stmts, id);
  kv_run_text(&run, device);
  return kv_run_end(&run);
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
  return cache_number(stmts, KV_SQL_ARRIVAL_LAST, out);
}

int kv_cache_note_merge(kv_stmts *stmts, int64_t arrived) {
  return cache_note(stmts, KV_SQL_META_MERGED, arrived);
}

int kv_cache_expiry(kv_stmts *stmts, int64_t *out) {
  return cache_number(stmts, KV_SQL_META_EXPIRY, out);
}

int kv_cache_note_expiry(kv_stmts *stmts, int64_t now) {
  return cache_note(stmts, KV_SQL_META_EXPIRY_PUT, now);
}

int kv_cache_put_arrival(kv_stmts *stmts, int64_t arrived, const char *device,
                         const kv_span *span) {
  kv_run run;

  kv_run_begin(&run, stmts, KV_SQL_ARRIVAL_PUT);
  kv_run_int(&run, arrived);
  kv_run_text(&run, device);
  kv_run_int(&run, span->first_seq);
  kv_run_int(&run, span->last_seq);
  kv_run_int(&run, span->first_ts);
  kv_run_int(&run, span->last_ts);
  return kv_run_end(&run);
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
  kv_run run;

  *out = -1;
  kv_run_begin(&run, stmts, KV_SQL_CURSOR_LATEST);
  kv_run_int(&run, limit);
  return kv_run_number(&run, out);
}

int kv_cache_count(kv_stmts *stmts, const char *device, int64_t *out) {
  kv_run run;

  *out = 0;
  kv_run_begin(&run, stmts, KV_SQL_OWN_COUNT);
  kv_run_text(&run, device);
  return kv_run_number(&run, out);
}

int kv_cache_put_seen(kv_stmts *stmts, const char *device, const kv_row *row) {
  kv_run run;

  kv_run_begin(&run, stmts, KV_SQL_SEEN_PUT);
  kv_run_text(&run, device);
  kv_run_value(&run, &row->bucket);
  kv_run_int(&run, row->seq);
  kv_run_int(&run, row->txn);
  kv_run_int(&run, row->ts);
  kv_run_value(&run, &row->key);
  kv_run_value(&run, &row->value);
  kv_run_value(&run, &row->parent_ts);
  kv_run_int(&run, row->op);
  return kv_run_end(&run);
}
