/*
** Large values in parts. See parts.h.
**
** One statement writes all parts of a value, which it reads from kv_rows
** like rows of a log: a part is a row whose number is its seq, its op tells
** text, its txn is the length of the whole. Its table is the only one with
** rowids, so the one that the host inserted last is given back.
*/
#include "parts.h"

#include <string.h>

#include "db/value.h"
#include "rows.h"

/* Parts that a value may have: the numbers of two values are so far apart. */
#define PARTS_MOST 32768

int kv_parts_is_for(const kv_value *value) {
  return value->type >= KV_TEXT && value->n > KV_PARTS_MIN;
}

/* Taking apart */

typedef struct parts_rows {
  kv_rows base; /* base class: must be first */
  const kv_value *value;
  size_t at; /* bytes of it that were read */
  kv_rows_row out;
} parts_rows;

static const kv_rows_row *parts_next(kv_rows *base) {
  parts_rows *rows = (parts_rows *)base;
  kv_value *part = &rows->out.row.value;
  size_t n = rows->value->n - rows->at;

  if (n == 0) return NULL;
  part->type = KV_BLOB;
  part->z = (const char *)rows->value->z + rows->at;
  part->n = n < KV_PARTS_SIZE ? n : KV_PARTS_SIZE;
  rows->out.row.seq++;
  rows->at += part->n;
  return &rows->out;
}

static int parts_next_number(kv_stmts *stmts, int64_t *first) {
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_get(stmts, KV_SQL_LARGE_NEXT, &stmt);

  if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW) {
    *first = sqlite3_column_int64(stmt, 0);
    rc = *first > 0 ? SQLITE_OK : SQLITE_FULL;
  }
  kv_stmt_put(stmts, KV_SQL_LARGE_NEXT, stmt);
  return rc;
}

int kv_parts_put(kv_stmts *stmts, const kv_value *value, int64_t *first) {
  int64_t last = sqlite3_last_insert_rowid(stmts->db);
  parts_rows rows;
  sqlite3_stmt *stmt = NULL;
  int rc;

  *first = 0;
  if (!kv_parts_is_for(value)) return SQLITE_OK;
  rc = parts_next_number(stmts, first);
  if (rc != SQLITE_OK) return rc;
  memset(&rows, 0, sizeof(rows));
  rows.base.next = parts_next;
  rows.value = value;
  rows.out.row.seq = *first - 1;
  rows.out.row.op = value->type == KV_TEXT;
  rows.out.row.txn = (int64_t)value->n;
  rc = kv_stmt_get(stmts, KV_SQL_LARGE_PUT, &stmt);
  if (rc == SQLITE_OK) {
    rc = sqlite3_bind_pointer(stmt, 1, &rows.base, KV_ROWS_POINTER, NULL);
  }
  rc = kv_stmt_finish(stmts, KV_SQL_LARGE_PUT, stmt, rc);
  sqlite3_set_last_insert_rowid(stmts->db, last);
  return rc;
}

int kv_parts_forget(kv_stmts *stmts, int64_t first) {
  sqlite3_stmt *stmt = NULL;
  int rc;

  if (!first) return SQLITE_OK;
  rc = kv_stmt_get(stmts, KV_SQL_LARGE_FORGET, &stmt);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 1, first);
  return kv_stmt_finish(stmts, KV_SQL_LARGE_FORGET, stmt, rc);
}

int kv_parts_trim(kv_stmts *stmts) {
  return kv_stmt_exec(stmts, KV_SQL_LARGE_TRIM);
}

/* Putting together */

typedef struct parts_join {
  char *bytes;
  int64_t n;
  int64_t n_bytes; /* of the whole */
  int64_t next;    /* the part that comes next */
  int is_text;
  int rc;
} parts_join;

/* The first part tells what the value is. */
static int join_begin(parts_join *join, sqlite3 *db, sqlite3_value **part) {
  join->next = sqlite3_value_int64(part[0]);
  join->is_text = sqlite3_value_int(part[1]);
  join->n_bytes = sqlite3_value_int64(part[2]);
  if (join->next % PARTS_MOST != 0 || join->n_bytes <= 0) {
    return SQLITE_CORRUPT_VTAB;
  }
  if (join->n_bytes > sqlite3_limit(db, SQLITE_LIMIT_LENGTH, -1)) {
    return SQLITE_TOOBIG;
  }
  join->bytes = sqlite3_malloc64((sqlite3_uint64)join->n_bytes);
  return join->bytes ? SQLITE_OK : SQLITE_NOMEM;
}

/* Add a part: its number, is_text, n_bytes, bytes. */
static int join_add(parts_join *join, sqlite3 *db, sqlite3_value **part) {
  int n = sqlite3_value_bytes(part[3]);
  const void *bytes = sqlite3_value_blob(part[3]);
  int rc = join->bytes ? SQLITE_OK : join_begin(join, db, part);

  if (rc != SQLITE_OK) return rc;
  if (sqlite3_value_int64(part[0]) != join->next || n <= 0 ||
      n > join->n_bytes - join->n) {
    return SQLITE_CORRUPT_VTAB;
  }
  if (!bytes) return SQLITE_NOMEM;
  memcpy(join->bytes + join->n, bytes, (size_t)n);
  join->n += n;
  join->next++;
  return SQLITE_OK;
}

/* All parts were added: the bytes go to *out. */
static int join_end(parts_join *join, int rc, kv_value *out) {
  if (rc == SQLITE_OK && (!join->bytes || join->n < join->n_bytes)) {
    rc = SQLITE_CORRUPT_VTAB;
  }
  if (rc != SQLITE_OK) {
    sqlite3_free(join->bytes);
    return rc;
  }
  out->type = join->is_text ? KV_TEXT : KV_BLOB;
  out->z = join->bytes;
  out->n = (size_t)join->n;
  return SQLITE_OK;
}

static void join_step(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  parts_join *join = sqlite3_aggregate_context(ctx, sizeof(*join));

  (void)argc;
  if (!join || join->rc != SQLITE_OK) return;
  join->rc = join_add(join, sqlite3_context_db_handle(ctx), argv);
}

static void join_final(sqlite3_context *ctx) {
  parts_join *join = sqlite3_aggregate_context(ctx, 0);
  parts_join none = {NULL, 0, 0, 0, 0, SQLITE_OK};
  kv_value value = {0};
  int rc;

  if (!join) join = &none;
  rc = join_end(join, join->rc, &value);
  if (rc == SQLITE_OK) {
    kv_value_give(ctx, &value);
    return;
  }
  if (rc == SQLITE_CORRUPT_VTAB) {
    sqlite3_result_error(ctx,
                         "kv: parts of a large value are missing: open the "
                         "folder with a new cache (CREATE VIRTUAL TABLE under "
                         "another name)",
                         -1);
  }
  sqlite3_result_error_code(ctx, rc);
}

int kv_parts_register(sqlite3 *db, int is_there) {
  return sqlite3_create_function_v2(
    db, "kv_join", 4, SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL, NULL,
    is_there ? join_step : NULL, is_there ? join_final : NULL, NULL);
}

int kv_parts_read(kv_stmts *stmts, int64_t first, kv_value *out) {
  parts_join join = {NULL, 0, 0, 0, 0, SQLITE_OK};
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_get(stmts, KV_SQL_LARGE_VALUE, &stmt);

  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 1, first);
  while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    sqlite3_value *part[4];
    int i;

    for (i = 0; i < 4; i++)
      part[i] = sqlite3_column_value(stmt, i);
    rc = join_add(&join, stmts->db, part);
  }
  if (rc == SQLITE_DONE) rc = SQLITE_OK;
  kv_stmt_put(stmts, KV_SQL_LARGE_VALUE, stmt);
  return join_end(&join, rc, out);
}

int kv_parts_of_column(kv_stmts *stmts, sqlite3_stmt *row, int column,
                       kv_value *large, kv_value *value) {
  int64_t first = sqlite3_column_int64(row, column + 1);
  int rc;

  if (!first) return kv_value_of_column(row, column, value);
  rc = kv_parts_read(stmts, first, large);
  *value = *large;
  return rc;
}

int kv_parts_of(kv_stmts *stmts, const char *device, const kv_row *row,
                int *found, int64_t *first) {
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_get(stmts, KV_SQL_LARGE_OF, &stmt);
  int n = 0;

  *found = 0;
  *first = 0;
  if (rc == SQLITE_OK) rc = kv_value_bind(stmt, ++n, &row->bucket);
  if (rc == SQLITE_OK) rc = kv_value_bind(stmt, ++n, &row->key);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, ++n, row->ts);
  if (rc == SQLITE_OK) {
    rc = sqlite3_bind_text(stmt, ++n, device, -1, SQLITE_STATIC);
  }
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, ++n, row->seq);
  if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
  *found = rc == SQLITE_ROW;
  if (*found) *first = sqlite3_column_int64(stmt, 0);
  kv_stmt_put(stmts, KV_SQL_LARGE_OF, stmt);
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}
