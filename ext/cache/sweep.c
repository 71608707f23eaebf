/*
** Superseded rows out of the way. See cache.h.
**
** One walk over the front, where rows of a key are side by side, finds them:
** each that has the key of the row before. They are moved a slice at a time,
** so that the walk stands still meanwhile; the back, where they go, is behind
** all that it reads.
*/
#include <assert.h>
#include <string.h>

#include "cache.h"
#include "core/order.h"
#include "db/value.h"
#include "slice.h"

typedef struct sweep_walk {
  sqlite3_stmt *rows;
  kv_value key; /* of the row before; NULL if there is none */
  char *bytes;  /* its own */
  size_t n_bytes;
  kv_row row; /* a superseded one; its value is its device */
  int64_t n;  /* rows read */
} sweep_walk;

/* Keep a copy of the key of the row that the walk is at. */
static int sweep_keep(sweep_walk *walk) {
  const kv_value *key = &walk->row.key;

  if (key->n > walk->n_bytes) {
    size_t n = 2 * key->n + 64;
    char *bytes = sqlite3_realloc64(walk->bytes, n);

    if (!bytes) return SQLITE_NOMEM;
    walk->bytes = bytes;
    walk->n_bytes = n;
  }
  walk->key = *key;
  if (key->n > 0) walk->key.z = memcpy(walk->bytes, key->z, key->n);
  return SQLITE_OK;
}

/* The next row that has been superseded: of the key of the row before. */
static int sweep_next(void *from, const kv_row **out, int64_t *large) {
  sweep_walk *walk = from;
  kv_row *row = &walk->row;
  int rc;

  *out = row;
  *large = 0;
  while ((rc = sqlite3_step(walk->rows)) == SQLITE_ROW) {
    walk->n++;
    rc = kv_value_of_column(walk->rows, 0, &row->key);
    if (rc != SQLITE_OK) return rc;
    if (kv_order_keys(&row->key, &walk->key) == 0) {
      row->ts = sqlite3_column_int64(walk->rows, 1);
      row->seq = sqlite3_column_int64(walk->rows, 3);
      rc = kv_value_of_column(walk->rows, 2, &row->value);
      return rc == SQLITE_OK ? SQLITE_ROW : rc;
    }
    rc = sweep_keep(walk);
    if (rc != SQLITE_OK) return rc;
  }
  return rc;
}

static int sweep_move(kv_stmts *stmts, const kv_row *row) {
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_get(stmts, KV_SQL_CACHE_SWEEP, &stmt);

  if (rc == SQLITE_OK) rc = kv_value_bind(stmt, 1, &row->key);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 2, row->ts);
  if (rc == SQLITE_OK) rc = kv_value_bind(stmt, 3, &row->value);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 4, row->seq);
  return kv_stmt_finish(stmts, KV_SQL_CACHE_SWEEP, stmt, rc);
}

/* Move all superseded rows; *n_front is how many rows are left in front. */
static int sweep_rows(kv_stmts *stmts, int64_t *n_front) {
  kv_slice *slice = kv_slice_new();
  sweep_walk walk;
  int64_t n_moved = 0;
  int rc;
  int rc2 = SQLITE_OK;

  memset(&walk, 0, sizeof(walk));
  if (!slice) return SQLITE_NOMEM;
  rc = kv_stmt_get(stmts, KV_SQL_CACHE_FRONT, &walk.rows);
  if (rc == SQLITE_OK) rc = SQLITE_ROW;
  while (rc == SQLITE_ROW && rc2 == SQLITE_OK) {
    const kv_rows_row *next;

    rc = kv_slice_fill(slice, sweep_next, &walk);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) break;
    kv_slice_start(slice, KV_SLICE_KEYS);
    while (rc2 == SQLITE_OK && (next = kv_slice_next(slice)) != NULL) {
      rc2 = sweep_move(stmts, &next->row);
      n_moved++;
    }
  }
  *n_front = walk.n - n_moved;
  kv_stmt_put(stmts, KV_SQL_CACHE_FRONT, walk.rows);
  kv_slice_free(slice);
  sqlite3_free(walk.bytes);
  if (rc2 != SQLITE_OK) return rc2;
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int kv_cache_sweep(kv_stmts *stmts, int64_t arrival, int64_t rows) {
  sqlite3_stmt *stmt = NULL;
  int64_t n_front;
  int rc;

  assert(!sqlite3_get_autocommit(stmts->db)); /* inside a savepoint */
  rc = sweep_rows(stmts, &n_front);
  if (rc == SQLITE_OK) rc = kv_stmt_get(stmts, KV_SQL_META_SWEPT, &stmt);
  if (rc != SQLITE_OK) return rc;
  rc = sqlite3_bind_int64(stmt, 1, arrival);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 2, rows);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(stmt, 3, n_front);
  return kv_stmt_finish(stmts, KV_SQL_META_SWEPT, stmt, rc);
}
