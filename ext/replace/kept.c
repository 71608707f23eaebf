/*
** The rows of a log that takes the place of another one. See kept.h.
*/
#include "kept.h"

#include <string.h>

#include "cache/values.h"
#include "db/value.h"

/* A hash of what a row says, without its place in the log. */
static int64_t kept_check(const kv_row *row) {
  kv_row content = *row;

  content.seq = content.txn = 0;
  content.parent_ts.type = KV_NULL;
  if (kv_values_is_for(&content.value)) content.value.type = KV_NULL;
  return kv_row_sum(0, &content);
}

int kv_kept_add(kv_kept *kept, const kv_row *row) {
  kv_kept_row *added;

  if (kept->n == kept->n_room) {
    int64_t n = 2 * kept->n_room + 64;
    kv_kept_row *rows =
      sqlite3_realloc64(kept->rows, (sqlite3_uint64)n * sizeof(*rows));

    if (!rows) return SQLITE_NOMEM;
    kept->rows = rows;
    kept->n_room = n;
  }
  added = &kept->rows[kept->n++];
  added->seq = row->seq;
  added->txn = row->txn;
  added->check = kept_check(row);
  return SQLITE_OK;
}

void kv_kept_clear(kv_kept *kept) {
  sqlite3_free(kept->rows);
  memset(kept, 0, sizeof(*kept));
}

/* The row with a number; NULL: none. */
static const kv_kept_row *kept_find(const kv_kept *kept, int64_t seq) {
  int64_t low = 0;
  int64_t high = kept->n;

  while (low < high) {
    int64_t middle = low + (high - low) / 2;

    if (kept->rows[middle].seq == seq) return &kept->rows[middle];
    if (kept->rows[middle].seq < seq) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return NULL;
}

/* The arguments of kv_kept(). */
enum {
  KEPT_SET,
  KEPT_SEQ,
  KEPT_TS,
  KEPT_OP,
  KEPT_BUCKET,
  KEPT_KEY,
  KEPT_VALUE,
  KEPT_ARGUMENTS
};

static void kept_ask(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  kv_kept *kept = sqlite3_value_pointer(argv[KEPT_SET], KV_KEPT_POINTER);
  const kv_kept_row *found;
  kv_row row;
  int rc;

  (void)argc;
  found = kept ? kept_find(kept, sqlite3_value_int64(argv[KEPT_SEQ])) : NULL;
  if (!found) return;
  memset(&row, 0, sizeof(row));
  row.ts = sqlite3_value_int64(argv[KEPT_TS]);
  row.op = sqlite3_value_int(argv[KEPT_OP]);
  rc = kv_value_of(argv[KEPT_BUCKET], &row.bucket);
  if (rc == SQLITE_OK) rc = kv_value_of(argv[KEPT_KEY], &row.key);
  if (rc == SQLITE_OK) rc = kv_value_of(argv[KEPT_VALUE], &row.value);
  if (rc != SQLITE_OK) {
    sqlite3_result_error_nomem(ctx);
  } else if (kept_check(&row) == found->check) {
    sqlite3_result_int64(ctx, found->txn);
  } else {
    kept->n_other++;
  }
}

int kv_kept_register(sqlite3 *db, int is_there) {
  return sqlite3_create_function_v2(
    db, "kv_kept", KEPT_ARGUMENTS, SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL,
    is_there ? kept_ask : NULL, NULL, NULL, NULL);
}
