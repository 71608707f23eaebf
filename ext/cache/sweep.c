/*
** Moves superseded rows out of the way. See cache.h.
**
** In the front, rows of a key are side by side. One walk over it finds the
** superseded ones: each row with the same key as the row before. They are moved
** a slice at a time, while the walk pauses. They go to the back, which comes
** after everything that the walk reads.
*/
#include <assert.h>
#include <string.h>

#include "cache.h"
#include "core/order.h"
#include "db/run.h"
#include "slice.h"

/* Columns of cache_front. */
enum { FRONT_KEY, FRONT_TS, FRONT_DEVICE, FRONT_SEQ };

typedef struct sweep_walk {
  kv_run rows;
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

/* The next superseded row: it has the same key as the row before. */
static int sweep_next(void *from, const kv_row **out, int64_t *large) {
  sweep_walk *walk = from;
  kv_run *rows = &walk->rows;
  kv_row *row = &walk->row;

  *out = row;
  *large = 0;
  while (kv_run_row(rows)) {
    walk->n++;
    kv_run_column(rows, FRONT_KEY, &row->key);
    if (rows->rc == SQLITE_OK && kv_order_keys(&row->key, &walk->key) == 0) {
      row->ts = sqlite3_column_int64(rows->stmt, FRONT_TS);
      row->seq = sqlite3_column_int64(rows->stmt, FRONT_SEQ);
      kv_run_column(rows, FRONT_DEVICE, &row->value);
      return rows->rc == SQLITE_OK ? SQLITE_ROW : rows->rc;
    }
    if (rows->rc == SQLITE_OK) rows->rc = sweep_keep(walk);
  }
  return rows->rc == SQLITE_OK ? SQLITE_DONE : rows->rc;
}

static int sweep_move(kv_stmts *stmts, const kv_row *row) {
  kv_run run;

  kv_run_begin(&run, stmts, KV_SQL_CACHE_SWEEP);
  kv_run_value(&run, &row->key);
  kv_run_int(&run, row->ts);
  kv_run_value(&run, &row->value);
  kv_run_int(&run, row->seq);
  return kv_run_end(&run);
}

/* Move all superseded rows; *n_front is how many rows are left in front. */
static int sweep_rows(kv_stmts *stmts, int64_t *n_front) {
  kv_slice *slice = kv_slice_new();
  sweep_walk walk;
  int64_t n_moved = 0;
  int more = SQLITE_ROW;
  int rc = SQLITE_OK;

  memset(&walk, 0, sizeof(walk));
  if (!slice) return SQLITE_NOMEM;
  kv_run_begin(&walk.rows, stmts, KV_SQL_CACHE_FRONT);
  while (more == SQLITE_ROW && rc == SQLITE_OK) {
    const kv_rows_row *next;

    more = kv_slice_fill(slice, sweep_next, &walk);
    if (more != SQLITE_ROW && more != SQLITE_DONE) rc = more;
    if (rc == SQLITE_OK) kv_slice_start(slice, KV_SLICE_KEYS);
    while (rc == SQLITE_OK && (next = kv_slice_next(slice)) != NULL) {
      rc = sweep_move(stmts, &next->row);
      n_moved++;
    }
  }
  *n_front = walk.n - n_moved;
  kv_run_close(&walk.rows);
  kv_slice_free(slice);
  sqlite3_free(walk.bytes);
  return rc;
}

int kv_cache_sweep(kv_stmts *stmts, int64_t arrival, int64_t rows) {
  int64_t n_front;
  kv_run run;
  int rc;

  assert(!sqlite3_get_autocommit(stmts->db)); /* inside a savepoint */
  rc = sweep_rows(stmts, &n_front);
  if (rc != SQLITE_OK) return rc;
  kv_run_begin(&run, stmts, KV_SQL_META_SWEPT);
  kv_run_int(&run, arrival);
  kv_run_int(&run, rows);
  kv_run_int(&run, n_front);
  return kv_run_end(&run);
}
