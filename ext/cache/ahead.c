/*
** Rows that are read ahead. See ahead.h.
*/
#include "ahead.h"

#include <string.h>

#include "core/order.h"
#include "db/run.h"

/* Rows of the first batch, and of the largest one. */
#define AHEAD_LEAST 4
#define AHEAD_MOST 64

/* So many keys are searched one by one after a batch that did not help. */
#define AHEAD_PAUSE 32

/* Bytes of keys in a batch. */
#define AHEAD_BYTES 65536

static const kv_winner ahead_none = {.ts = -1};

/* Copy the bytes of a key; 0: they do not fit. */
static int ahead_keep(kv_ahead *ahead, kv_value *key) {
  if (key->type != KV_TEXT && key->type != KV_BLOB) return 1;
  if (key->n > AHEAD_BYTES - ahead->n_bytes) return 0;
  if (key->n > 0) memcpy(ahead->bytes + ahead->n_bytes, key->z, key->n);
  key->z = ahead->bytes + ahead->n_bytes;
  ahead->n_bytes += key->n;
  return 1;
}

/*
** Take the row that the run is on, unless a later one of its key was taken. 0: the
** batch is full.
*/
static int ahead_take(kv_ahead *ahead, kv_run *run) {
  kv_ahead_row *row = &ahead->rows[ahead->n];
  int is_again;

  kv_run_column(run, KV_COLUMN_KEY, &row->key);
  if (run->rc != SQLITE_OK) return 0;
  is_again = kv_order_keys(&row->key, &row[-1].key) == 0;
  if (is_again && row[-1].winner.is_found) return 1;
  if (is_again) row--;
  if (!is_again && !ahead_keep(ahead, &row->key)) return 0;
  kv_cache_winner(run->stmt, &row->winner);
  if (!is_again) ahead->n++;
  return ahead->n < ahead->size;
}

/*
** Read the rows from a key on, which is the first one of the batch, even if the
** cache does not have it. Versions of one key take steps, too.
*/
static int ahead_read(kv_ahead *ahead, kv_stmts *stmts, const kv_value *key) {
  int n_steps = 2 * ahead->size;
  kv_run run;

  if (!ahead->rows) {
    ahead->rows = sqlite3_malloc64(AHEAD_MOST * sizeof(*ahead->rows));
  }
  if (!ahead->bytes) ahead->bytes = sqlite3_malloc64(AHEAD_BYTES);
  if (!ahead->rows || !ahead->bytes) return SQLITE_NOMEM;
  ahead->rows[0].key = *key;
  ahead->rows[0].winner = ahead_none;
  ahead->n_bytes = 0;
  ahead_keep(ahead, &ahead->rows[0].key);
  ahead->n = 1;
  ahead->at = ahead->n_asked = 0;
  kv_run_begin(&run, stmts, KV_SQL_CACHE_AHEAD);
  kv_run_value(&run, key);
  while (n_steps-- > 0 && kv_run_row(&run) && ahead_take(ahead, &run)) {
  }
  if (run.rc != SQLITE_OK) ahead->n = 0;
  return kv_run_close(&run);
}

/* Does the batch tell the latest row of a key, or that there is none? */
static int ahead_has(kv_ahead *ahead, const kv_value *key, kv_winner *out) {
  int c = 1;

  while (ahead->at < ahead->n &&
         (c = kv_order_keys(key, &ahead->rows[ahead->at].key)) > 0) {
    ahead->at++;
  }
  if (c > 0) return 0;
  if (c < 0 && (ahead->at == 0 ||
                kv_order_keys(key, &ahead->rows[ahead->at - 1].key) <= 0)) {
    return 0;
  }
  *out = c == 0 ? ahead->rows[ahead->at].winner : ahead_none;
  ahead->n_asked++;
  return 1;
}

void kv_ahead_forget(kv_ahead *ahead) {
  if (ahead->n == 0) return;
  if (2 * ahead->n_asked < ahead->n) {
    ahead->size /= 2;
  } else if (ahead->size < AHEAD_MOST) {
    ahead->size *= 2;
  }
  if (ahead->size < AHEAD_LEAST) {
    ahead->size = 0;
    ahead->n_single = AHEAD_PAUSE;
  }
  ahead->n = ahead->at = 0;
}

int kv_ahead_find(kv_ahead *ahead, kv_stmts *stmts, const kv_value *key,
                  kv_winner *out) {
  int rc;

  if (ahead_has(ahead, key, out)) return SQLITE_OK;
  if (ahead->at < ahead->n || key->n > AHEAD_BYTES) {
    return kv_cache_find(stmts, key, out); /* it comes out of order */
  }
  kv_ahead_forget(ahead);
  if (ahead->size == 0 && ahead->n_single-- > 0) {
    return kv_cache_find(stmts, key, out);
  }
  if (ahead->size == 0) ahead->size = AHEAD_LEAST;
  rc = ahead_read(ahead, stmts, key);
  if (rc == SQLITE_OK) ahead_has(ahead, key, out);
  return rc;
}

void kv_ahead_clear(kv_ahead *ahead) {
  sqlite3_free(ahead->rows);
  sqlite3_free(ahead->bytes);
  memset(ahead, 0, sizeof(*ahead));
}
