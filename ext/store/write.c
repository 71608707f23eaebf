/*
** One change of one key. See write.h.
*/
#include "write.h"

#include <assert.h>
#include <string.h>

#include "cache/previous.h"
#include "cache/values.h"
#include "core/clock.h"
#include "core/order.h"
#include "db/error.h"
#include "db/run.h"
#include "errors.h"
#include "put.h"
#include "store.h"
#include "transaction.h"

static const kv_value write_null = {KV_NULL, 0, 0, NULL, 0};
static const kv_value write_bucket = {KV_TEXT, 0, 0, "", 0};

/* Where a row goes; decided before anything is written. */
typedef struct kv_place {
  int64_t index; /* in the transaction; n_rows: a new row */
  int64_t ts;
  kv_value parent_ts;
  int exists;   /* the key has a value */
  int is_again; /* the cache has a row of this number */
} kv_place;

/* The error: no time is later than that of the key. */
static int write_refuse_time(kv_store *store, const kv_value *key,
                             const kv_winner *winner, char **err) {
  kv_run run;
  sqlite3_value *value;
  const char *name = NULL;

  kv_cache_get(&run, &store->stmts, KV_SQL_CACHE_LATEST, key, 0, NULL, &value);
  if (value) name = (const char *)sqlite3_column_text(run.stmt, KV_COLUMN_KEY);
  kv_error(err, SQLITE_ERROR,
           "key %s was written by device %s at the latest possible time (ts "
           "%lld), so nothing can be newer: use another key",
           name ? name : "(deleted)",
           winner->is_found ? winner->device : "none", winner->ts);
  kv_run_close(&run);
  return SQLITE_ERROR;
}

/* Refuse a row over the limit. */
static int write_check_size(const kv_value *key, const kv_value *value,
                            char **err) {
  kv_row row;

  memset(&row, 0, sizeof(row));
  row.key = *key;
  row.value = *value;
  switch (kv_row_excess(&row)) {
    case KV_EXCESS_NONE: return SQLITE_OK;
    case KV_EXCESS_KEY:
      return kv_error(err, SQLITE_TOOBIG,
                      "the key has %lld bytes, and the limit is %d (64 KiB): "
                      "use a shorter one, such as kv_hash() of it, and put "
                      "the long text into the value",
                      (int64_t)key->n, KV_KEY_MAX);
    case KV_EXCESS_ROW: break;
  }
  return kv_error(err, SQLITE_TOOBIG,
                  "key and value have %lld bytes, and the limit is %d (64 "
                  "MB): split the value into several keys, or store it in a "
                  "file and only its name here",
                  (int64_t)kv_row_size(&row), KV_VALUE_MAX);
}

static int write_refuse_trigger(const kv_store *store, char **err) {
  if (store->txn->is_writing == KV_WRITING_TYPED) {
    return kv_error(err, SQLITE_LOCKED,
                    "a trigger on a table behind a typed table of %s writes to "
                    "%s, which it cannot, or reads it and is new in this "
                    "transaction: then repeat the statement",
                    store->name, store->name);
  }
  return kv_error(err, SQLITE_LOCKED,
                  "a trigger on a table of the cache of %s reads or writes %s: "
                  "remove it",
                  store->name, store->name);
}

void kv_write_note_read(kv_store *store, const kv_value *key,
                        sqlite3_stmt *row) {
  kv_transaction *txn = store->txn;

  if (!txn->pending.is_open) return;
  kv_previous_note_read(&txn->previous, txn->n_writes, key, row);
}

/*
** A UTF-16 database has its own order of texts, in which it does not matter that
** this key comes after the one before.
*/
int kv_write_is_load(const kv_store *store, const kv_value *bucket,
                     const kv_value *key) {
  return kv_late_is_next(&store->txn->pending.late, bucket, key) &&
         (key->type != KV_TEXT || store->encoding == KV_UTF8);
}

/* What a write of a key replaces. */
static int write_find(kv_store *store, const kv_value *key, kv_winner *out) {
  kv_transaction *txn = store->txn;
  int is_load = kv_write_is_load(store, &write_bucket, key);

  return kv_previous_find(&txn->previous, &store->stmts, txn->n_writes, is_load,
                          key, out);
}

/* The first write of a transaction. */
static int write_open(kv_store *store, char **err) {
  int rc = store->device ? kv_store_check_same(store, err) : SQLITE_OK;

  return rc == SQLITE_OK ? kv_transaction_open(store, err) : rc;
}

/* The place of a row that replaces one of this transaction. */
static void write_place_late(const kv_pending_row *late, kv_place *out) {
  out->exists = late->op == KV_OP_SET;
  out->index = late->index;
  out->ts = late->ts;
  out->parent_ts.type = late->parent_type;
  out->parent_ts.i = late->parent_ts;
  out->is_again = late->is_again;
}

static int write_refuse_null(const kv_store *store, char **err) {
  char *text =
    sqlite3_mprintf("NOT NULL constraint failed: %s.key", store->name);

  if (err && !*err) {
    *err = text;
  } else {
    sqlite3_free(text);
  }
  return SQLITE_CONSTRAINT_NOTNULL;
}

int kv_write_enter(kv_store *store, char **err) {
  kv_pending *pending = &store->txn->pending;

  if (store->txn->is_writing) return write_refuse_trigger(store, err);
  kv_transaction_undo(store);
  return pending->is_open ? kv_pending_recall(pending) : write_open(store, err);
}

/* The place of a row after the latest one of its key, or over an own one. */
static int write_place_winner(kv_store *store, const kv_winner *winner,
                              kv_place *out, char **err) {
  const kv_pending *pending = &store->txn->pending;
  int64_t first = kv_pending_first(pending);

  out->exists = winner->is_found && winner->op == KV_OP_SET;
  if (winner->seq >= first && strcmp(winner->device, store->device) == 0) {
    out->index = winner->seq - first;
    out->ts = winner->ts;
    out->parent_ts = winner->parent_ts;
    out->is_again = 1;
    if (out->index < pending->n_rows) return SQLITE_OK;
    return kv_store_wrong_cache(store, err);
  }
  out->index = pending->n_rows;
  out->ts = kv_clock_after(pending->ts, winner->ts);
  out->parent_ts.type = winner->is_found ? KV_INTEGER : KV_NULL;
  out->parent_ts.i = winner->ts;
  return SQLITE_OK;
}

/* Prepare the row that changes a key. */
static int write_place(kv_store *store, const kv_value *key, kv_place *out,
                       char **err) {
  const kv_pending_row *late;
  kv_winner winner;
  int rc;

  memset(out, 0, sizeof(*out));
  if (key->type == KV_NULL) return write_refuse_null(store, err);
  rc = kv_write_enter(store, err);
  if (rc != SQLITE_OK) return rc;
  late = kv_late_find(&store->txn->pending.late, &write_bucket, key);
  if (late) {
    write_place_late(late, out);
    return SQLITE_OK;
  }
  rc = write_find(store, key, &winner);
  if (rc == SQLITE_OK) rc = write_place_winner(store, &winner, out, err);
  if (rc == SQLITE_OK && out->ts > KV_TS_MAX) {
    rc = write_refuse_time(store, key, &winner, err);
  }
  return rc;
}

/* Check whether the host stores text as UTF-16. */
static int write_find_encoding(kv_store *store) {
  kv_run run;

  if (store->encoding != KV_ENCODING_UNKNOWN) return SQLITE_OK;
  kv_run_begin(&run, &store->stmts, KV_SQL_ENCODING);
  if (kv_run_row(&run)) { /* none: an authorizer ignores it */
    const char *name = (const char *)sqlite3_column_text(run.stmt, 0);

    store->encoding = name && strcmp(name, "UTF-8") != 0 ? KV_UTF16 : KV_UTF8;
  }
  return kv_run_close(&run);
}

/*
** A UTF-16 database replaces invalid Unicode by U+FFFD. The log would keep it
** unchanged, so the cache and the log would differ.
*/
static int write_check_text(kv_store *store, const kv_value *value,
                            char **err) {
  kv_run run;
  kv_value kept;
  int rc = value->type == KV_TEXT ? write_find_encoding(store) : SQLITE_OK;

  if (rc != SQLITE_OK || value->type != KV_TEXT ||
      store->encoding != KV_UTF16) {
    return rc;
  }
  kv_run_begin(&run, &store->stmts, KV_SQL_ECHO);
  kv_run_value(&run, value);
  if (kv_run_row(&run)) {
    kv_run_column(&run, 0, &kept);
    if (run.rc == SQLITE_OK && kv_order_keys(value, &kept) != 0) {
      run.rc = kv_error(err, SQLITE_ERROR,
                        "the text is not valid Unicode, which a UTF-16 "
                        "database cannot store: store it as a blob");
    }
  }
  return kv_run_close(&run);
}

int kv_write_check(kv_store *store, const kv_value *key, const kv_value *value,
                   char **err) {
  int rc = write_check_size(key, value, err);

  if (rc == SQLITE_OK) rc = write_check_text(store, key, err);
  return rc == SQLITE_OK ? write_check_text(store, value, err) : rc;
}

static int64_t write_seq(const kv_store *store, const kv_place *place) {
  return kv_pending_first(&store->txn->pending) + place->index;
}

static int write_remember(kv_store *store, const kv_place *place,
                          const kv_row *row, int is_late) {
  store->txn->n_writes++;
  return kv_pending_add(&store->txn->pending, place->index, row, is_late);
}

/* A row of this transaction, as the cache takes it. */
static kv_row write_cell(const kv_store *store, const kv_place *place, int op,
                         const kv_value *key, const kv_value *value) {
  kv_row row;

  memset(&row, 0, sizeof(row));
  row.seq = write_seq(store, place);
  row.ts = place->ts;
  row.parent_ts = place->parent_ts;
  row.op = op;
  row.bucket = write_bucket;
  row.key = *key;
  row.value = *value;
  return row;
}

/* Store the value of a row beside the cache, if it is large. */
static int write_large(kv_store *store, const kv_value *value, int64_t *large) {
  int was_writing = store->txn->is_writing;
  int rc;

  store->txn->is_writing = 1;
  rc = kv_values_put(&store->stmts, value, large);
  store->txn->is_writing = was_writing;
  return rc;
}

int kv_write_flush(kv_store *store, char **err) {
  kv_pending *pending = &store->txn->pending;
  kv_late_rows rows;
  int is_forbidden;
  int rc = kv_pending_recall(pending);

  kv_previous_forget(&store->txn->previous);
  if (rc != SQLITE_OK || pending->late.n == 0) return rc;
  if (store->txn->is_writing) return write_refuse_trigger(store, err);
  assert(pending->is_open && !store->txn->log);
  store->txn->is_writing = 1;
  kv_stmt_permit(&store->stmts, &is_forbidden);
  rc = kv_late_sort(&pending->late, kv_pending_first(pending), &rows);
  if (rc == SQLITE_OK) rc = kv_put_late(store, &rows);
  kv_late_rows_clear(&rows);
  rc = kv_stmt_forbid(&store->stmts, is_forbidden, rc);
  store->txn->is_writing = 0;
  /* An error may have rolled everything back, and closed what is pending. */
  if (rc == SQLITE_OK) {
    kv_pending_settle(pending);
  } else {
    kv_late_doubt(&pending->late);
  }
  return kv_store_error(store, err, rc, "cannot write to the cache");
}

/*
** Decide whether this row can be late. The first one of a transaction cannot:
** it takes the lock. Nor can a row under a scan, which must find it in the
** cache. Before a row that cannot be late, write the late ones.
*/
static int write_make_room(kv_store *store, const kv_place *place,
                           const kv_value *key, const kv_value *value,
                           int *is_late) {
  kv_pending *pending = &store->txn->pending;

  *is_late =
    place->index > 0 && store->n_scans == 0 && kv_pending_may_be_late(value);
  if (kv_pending_is_full(pending, &write_bucket, key, value) ||
      kv_values_is_for(value) ||
      (!*is_late && kv_late_find(&pending->late, &write_bucket, key))) {
    int rc = kv_write_flush(store, NULL);
    if (rc != SQLITE_OK) return rc;
  }
  return *is_late ? kv_late_reserve(&pending->late, &write_bucket, key)
                  : SQLITE_OK;
}

/* Remember one row; then run the nested statement, unless it is late. */
static int write_row(kv_store *store, const kv_place *place, int op,
                     const kv_value *key, const kv_value *value) {
  kv_pending *pending = &store->txn->pending;
  kv_pending_mark here;
  kv_row row;
  int64_t large = 0;
  int is_late;
  int rc;

  assert(pending->is_open && !store->txn->is_writing);
  rc = write_make_room(store, place, key, value, &is_late);
  if (rc == SQLITE_OK) rc = write_large(store, value, &large);
  if (rc != SQLITE_OK) return rc;
  row = write_cell(store, place, op, key, value);
  here = kv_pending_here(pending);
  rc = write_remember(store, place, &row, is_late);
  if (rc == SQLITE_OK && is_late) {
    pending->last->is_again = place->is_again;
  } else if (rc == SQLITE_OK) {
    rc = kv_put_row(store, &row, large, place->is_again);
    if (rc != SQLITE_OK) kv_pending_return(pending, here);
  }
  return rc;
}

int kv_write_set(kv_store *store, const kv_value *key, const kv_value *value,
                 kv_on_conflict on_conflict, char **err) {
  kv_place place;
  int rc = kv_write_check(store, key, value, err);

  if (rc == SQLITE_OK) rc = write_place(store, key, &place, err);
  if (rc == SQLITE_OK && place.exists && on_conflict != KV_CONFLICT_SET) {
    return SQLITE_CONSTRAINT_UNIQUE;
  }
  if (rc == SQLITE_OK) rc = write_row(store, &place, KV_OP_SET, key, value);
  return kv_store_error(store, err, rc, "cannot set a key");
}

int kv_write_delete(kv_store *store, const kv_value *key, int *existed,
                    char **err) {
  kv_place place;
  int rc = write_place(store, key, &place, err);

  *existed = rc == SQLITE_OK && place.exists;
  if (*existed) {
    rc = write_row(store, &place, KV_OP_DELETE, key, &write_null);
  }
  return kv_store_error(store, err, rc, "cannot delete a key");
}

/* Run the nested statement that deletes one key and sets another. */
static int write_put_two(kv_store *store, const kv_row *gone, const kv_row *row,
                         int64_t large) {
  kv_run run;

  kv_run_begin(&run, &store->stmts, KV_SQL_CACHE_PUT_TWO);
  kv_run_value(&run, &gone->key);
  kv_run_int(&run, gone->ts);
  kv_run_text(&run, store->device);
  kv_run_int(&run, gone->seq);
  kv_run_value(&run, &gone->parent_ts);
  kv_run_int(&run, store->txn->pending.arrived);
  kv_run_value(&run, &row->key);
  kv_run_int(&run, row->ts);
  kv_run_int(&run, row->seq);
  kv_run_value(&run, &row->parent_ts);
  kv_put_value(&run, &row->value, large);
  return kv_run_end(&run);
}

/* Delete one key and set another. */
static int write_two_rows(kv_store *store, const kv_place *gone,
                          const kv_value *from, const kv_place *place,
                          const kv_value *to, const kv_value *value) {
  kv_pending *pending = &store->txn->pending;
  int64_t replaced[2];
  kv_row rows[2];
  kv_pending_mark here;
  int64_t large = 0;
  int rc = kv_write_flush(store, NULL);

  if (rc == SQLITE_OK) rc = write_large(store, value, &large);
  if (rc != SQLITE_OK) return rc;
  rows[0] = write_cell(store, gone, KV_OP_DELETE, from, &write_null);
  rows[1] = write_cell(store, place, KV_OP_SET, to, value);
  here = kv_pending_here(pending);
  rc = kv_put_replaced(store, &rows[0], gone->is_again, &replaced[0]);
  if (rc == SQLITE_OK) {
    rc = kv_put_replaced(store, &rows[1], place->is_again, &replaced[1]);
  }
  if (rc == SQLITE_OK) {
    rc = write_remember(store, gone, &rows[0], 0);
  }
  if (rc == SQLITE_OK) {
    rc = write_remember(store, place, &rows[1], 0);
  }
  if (rc == SQLITE_OK) rc = write_put_two(store, &rows[0], &rows[1], large);
  if (rc == SQLITE_OK) rc = kv_put_forget(store, replaced[0]);
  if (rc == SQLITE_OK) rc = kv_put_forget(store, replaced[1]);
  if (rc != SQLITE_OK) kv_pending_return(pending, here);
  return rc;
}

int kv_write_is_late(const kv_store *store, const kv_value *key) {
  const kv_pending *pending = &store->txn->pending;

  return pending->must_recall ||
         kv_late_find(&pending->late, &write_bucket, key) != NULL;
}

void kv_write_begin(kv_store *store) {
  kv_moves_begin(&store->txn->moves, store->txn->pending.n_rows);
}

/* True if the row at `from` is no longer the one that the statement found. */
static int write_is_moved(const kv_store *store, const kv_place *from) {
  return !from->exists || (from->index < store->txn->pending.n_rows &&
                           kv_moves_has(&store->txn->moves, from->index));
}

int kv_write_rename(kv_store *store, const kv_value *from, const kv_value *to,
                    const kv_value *value, kv_on_conflict on_conflict,
                    char **err) {
  kv_place gone;
  kv_place place;
  int is_replace = on_conflict == KV_CONFLICT_SET;
  int is_same = to->type != KV_NULL && kv_order_keys(from, to) == 0;
  int rc;

  if (is_same && !is_replace) {
    return kv_write_set(store, to, value, KV_CONFLICT_SET, err);
  }
  rc = kv_write_check(store, to, value, err);
  if (rc == SQLITE_OK) rc = write_place(store, from, &gone, err);
  if (rc == SQLITE_OK && is_replace && write_is_moved(store, &gone)) {
    return SQLITE_OK;
  }
  if (rc == SQLITE_OK && is_same) {
    return kv_write_set(store, to, value, KV_CONFLICT_SET, err);
  }
  if (rc == SQLITE_OK) rc = write_place(store, to, &place, err);
  if (rc == SQLITE_OK && place.exists && on_conflict != KV_CONFLICT_SET) {
    return SQLITE_CONSTRAINT_UNIQUE;
  }
  if (rc == SQLITE_OK) {
    /* Two new rows get two numbers. */
    if (gone.index == place.index) place.index++;
    rc = kv_moves_add(&store->txn->moves, place.index);
  }
  if (rc == SQLITE_OK) {
    rc = write_two_rows(store, &gone, from, &place, to, value);
  }
  return kv_store_error(store, err, rc, "cannot rename a key");
}
