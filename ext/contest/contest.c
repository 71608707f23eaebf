/*
** Contested keys. See contest.h.
**
** Of each writer of a key its latest row is kept: it had merged the most.
*/
#include "contest.h"

#include <assert.h>
#include <string.h>

#include "core/order.h"
#include "db/error.h"

/* Found keys are put when they take so many bytes. */
#define CONTEST_FOUND (1 << 20)

/* contest_rows returns one more; a key with more rows counts as contested. */
#define CONTEST_ROWS 32

struct kv_contest_key {
  kv_contest_key *next;
  kv_value bucket; /* the bytes of both follow */
  kv_value key;
};

/* Columns of contest_rows. */
enum { BESIDE_DEVICE, BESIDE_SEQ, BESIDE_OP, BESIDE_TS };

/* Columns of contest_all and contest_again. */
enum { ALL_BUCKET, ALL_KEY, ALL_DEVICE, ALL_SEQ, ALL_OP };

void kv_contest_begin(kv_contest *contest, kv_stmts *stmts) {
  memset(contest, 0, sizeof(*contest));
  contest->stmts = stmts;
}

static void contest_drop(kv_contest *contest) {
  while (contest->first) {
    kv_contest_key *next = contest->first->next;

    sqlite3_free(contest->first);
    contest->first = next;
  }
  contest->last = NULL;
  contest->n_found = 0;
}

void kv_contest_clear(kv_contest *contest) {
  contest_drop(contest);
  sqlite3_free(contest->bytes);
  kv_contest_begin(contest, contest->stmts);
}

/* A copy of a value, whose bytes go to `to`; returns what is after them. */
static unsigned char *contest_copy(unsigned char *to, const kv_value *from,
                                   kv_value *out) {
  *out = *from;
  if (from->n > 0) out->z = memcpy(to, from->z, from->n);
  return to + from->n;
}

/* The rows that come are of this key. */
static int contest_hold(kv_contest *contest, const kv_value *bucket,
                        const kv_value *key) {
  size_t n = bucket->n + key->n;

  if (n > contest->n_bytes) {
    unsigned char *bytes = sqlite3_realloc64(contest->bytes, 2 * n + 64);

    if (!bytes) return SQLITE_NOMEM;
    contest->bytes = bytes;
    contest->n_bytes = 2 * n + 64;
  }
  contest_copy(contest_copy(contest->bytes, bucket, &contest->bucket), key,
               &contest->key);
  return SQLITE_OK;
}

static void contest_restart(kv_contest *contest) {
  contest->is_contested = 0;
  contest->n_writers = 0;
}

/* Were the last rows of this key? */
static int contest_is_key(const kv_contest *contest, const kv_value *bucket,
                          const kv_value *key) {
  return kv_order_is_same(key, &contest->key) &&
         kv_order_keys(bucket, &contest->bucket) == 0;
}

int kv_contest_key_is(kv_contest *contest, const kv_value *bucket,
                      const kv_value *key, int *is_new) {
  *is_new = !contest_is_key(contest, bucket, key);
  if (!*is_new) return SQLITE_OK;
  contest_restart(contest);
  return contest_hold(contest, bucket, key);
}

/* Had this writer merged a row of a device when it wrote its own? */
static int contest_has_seen(kv_contest *contest,
                            const kv_contest_writer *writer,
                            const kv_value *device, int64_t seq, int *has) {
  int64_t seen = -1;
  kv_run run;
  int rc;

  kv_run_begin(&run, contest->stmts, KV_SQL_CONTEST_SEEN);
  kv_run_text(&run, writer->device);
  kv_run_value(&run, device);
  kv_run_int(&run, writer->seq);
  rc = kv_run_number(&run, &seen);
  *has = seen >= seq;
  return rc;
}

static int contest_is_of(const kv_contest_writer *writer,
                         const kv_value *device) {
  return writer->n == device->n &&
         (device->n == 0 || memcmp(writer->device, device->z, writer->n) == 0);
}

/* A row of a device that wrote no later one. */
static int contest_judge(kv_contest *contest, const kv_value *device,
                         int64_t seq) {
  int has = 0;
  int rc = SQLITE_OK;
  int i;

  for (i = 0; i < contest->n_writers && !has && rc == SQLITE_OK; i++) {
    rc = contest_has_seen(contest, &contest->writers[i], device, seq, &has);
  }
  if (!has) contest->is_contested = 1;
  return rc;
}

int kv_contest_row(kv_contest *contest, const kv_value *device, int64_t seq,
                   int op) {
  kv_contest_writer *writer = contest->writers;
  int rc = SQLITE_OK;
  int i;

  if (contest->is_contested) return SQLITE_OK;
  for (i = 0; i < contest->n_writers; i++, writer++) {
    if (!contest_is_of(writer, device)) continue;
    if (seq > writer->seq) writer->seq = seq;
    return SQLITE_OK;
  }
  if (i > 0 && op == KV_OP_SET) rc = contest_judge(contest, device, seq);
  if (i == KV_CONTEST_WRITERS || device->n > KV_NAME_MAX) {
    contest->is_contested = 1;
    return rc;
  }
  contest->n_writers++;
  if (device->n > 0) memcpy(writer->device, device->z, device->n);
  writer->device[device->n] = '\0';
  writer->n = device->n;
  writer->seq = seq;
  return rc;
}

int kv_contest_add(kv_contest *contest) {
  size_t n = contest->bucket.n + contest->key.n;
  kv_contest_key *found = sqlite3_malloc64(sizeof(*found) + n);

  if (!found) return SQLITE_NOMEM;
  contest_copy(contest_copy((unsigned char *)(found + 1), &contest->bucket,
                            &found->bucket),
               &contest->key, &found->key);
  found->next = NULL;
  if (contest->last) contest->last->next = found;
  if (!contest->first) contest->first = found;
  contest->last = found;
  contest->n_found += sizeof(*found) + n;
  return SQLITE_OK;
}

/* True if the row that the run is at comes after the one to be merged. */
static int contest_is_later(kv_run *run, const kv_value *beside,
                            const kv_value *device, const kv_row *row) {
  int64_t ts = sqlite3_column_int64(run->stmt, BESIDE_TS);
  int c = kv_order_keys(beside, device);

  if (ts != row->ts) return ts > row->ts;
  return c ? c > 0 : sqlite3_column_int64(run->stmt, BESIDE_SEQ) >= row->seq;
}

/* Judge the rows beside which a row is merged, and the row at its place. */
static int contest_beside(kv_contest *contest, kv_run *run,
                          const kv_value *device, const kv_row *row) {
  int is_placed = 0;
  int n = 0;
  int rc = SQLITE_OK;

  contest_restart(contest);
  do {
    kv_value beside = {0};

    kv_run_column(run, BESIDE_DEVICE, &beside);
    if (run->rc != SQLITE_OK) break;
    if (!is_placed && !contest_is_later(run, &beside, device, row)) {
      is_placed = 1;
      rc = kv_contest_row(contest, device, row->seq, row->op);
    }
    if (rc == SQLITE_OK) {
      rc = kv_contest_row(contest, &beside,
                          sqlite3_column_int64(run->stmt, BESIDE_SEQ),
                          sqlite3_column_int(run->stmt, BESIDE_OP));
    }
    if (rc != SQLITE_OK) run->rc = rc;
    if (++n > CONTEST_ROWS) contest->is_contested = 1;
  } while (!contest->is_contested && kv_run_row(run));
  if (run->rc == SQLITE_OK && !is_placed) {
    rc = kv_contest_row(contest, device, row->seq, row->op);
  }
  return rc;
}

int kv_contest_merge(kv_contest *contest, const kv_value *device,
                     const kv_row *row) {
  int is_contested = 0;
  int rc = SQLITE_OK;
  kv_run run;

  kv_run_begin(&run, contest->stmts, KV_SQL_CONTEST_ROWS);
  kv_run_value(&run, &row->bucket);
  kv_run_value(&run, &row->key);
  if (kv_run_row(&run)) {
    rc = contest_beside(contest, &run, device, row);
    is_contested = contest->is_contested;
  }
  rc = kv_first_error(kv_run_close(&run), rc);
  if (rc == SQLITE_OK && is_contested) {
    rc = contest_hold(contest, &row->bucket, &row->key);
    if (rc == SQLITE_OK) rc = kv_contest_add(contest);
  }
  return rc;
}

/* Run a statement about each key that was found, and drop the keys. */
static int contest_run(kv_contest *contest, kv_sql id) {
  const kv_contest_key *found = contest->first;
  int rc = SQLITE_OK;

  for (; found && rc == SQLITE_OK; found = found->next) {
    kv_run run;

    kv_run_begin(&run, contest->stmts, id);
    kv_run_value(&run, &found->bucket);
    kv_run_value(&run, &found->key);
    rc = kv_run_end(&run);
  }
  contest_drop(contest);
  return rc;
}

int kv_contest_put(kv_contest *contest) {
  return contest_run(contest, KV_SQL_CONTEST_PUT);
}

int kv_contest_is_apart(kv_stmts *stmts, const char *device, int64_t first,
                        int *is_apart) {
  kv_run run;

  kv_run_begin(&run, stmts, KV_SQL_CONTEST_APART);
  kv_run_text(&run, device);
  kv_run_int(&run, first);
  *is_apart = kv_run_row(&run);
  return kv_run_close(&run);
}

int kv_contest_note(kv_stmts *stmts, int judged) {
  kv_run run;

  kv_run_begin(&run, stmts, KV_SQL_CONTEST_NOTE);
  kv_run_int(&run, judged);
  return kv_run_end(&run);
}

/* All rows of a key were judged. Many found keys are put, or taken out. */
static int contest_end_key(kv_contest *contest, kv_sql id) {
  int is_wanted = contest->is_contested == (id == KV_SQL_CONTEST_PUT);
  int rc = SQLITE_OK;

  if (contest->n_writers > 0 && is_wanted) rc = kv_contest_add(contest);
  if (rc == SQLITE_OK && contest->n_found > CONTEST_FOUND) {
    rc = contest_run(contest, id);
  }
  return rc;
}

/* Judge the row that a run is at. */
static int contest_take(kv_contest *contest, kv_run *run, kv_sql id) {
  kv_value bucket = {0};
  kv_value key = {0};
  kv_value device = {0};
  int rc = SQLITE_OK;

  kv_run_column(run, ALL_BUCKET, &bucket);
  kv_run_column(run, ALL_KEY, &key);
  kv_run_column(run, ALL_DEVICE, &device);
  if (run->rc != SQLITE_OK) return run->rc;
  if (!contest_is_key(contest, &bucket, &key)) {
    rc = contest_end_key(contest, id);
    contest_restart(contest);
    if (rc == SQLITE_OK) rc = contest_hold(contest, &bucket, &key);
  }
  if (rc != SQLITE_OK) return rc;
  return kv_contest_row(contest, &device,
                        sqlite3_column_int64(run->stmt, ALL_SEQ),
                        sqlite3_column_int(run->stmt, ALL_OP));
}

/* Judge the rows of a statement; then put, or take out, the keys found. */
static int contest_walk(kv_stmts *stmts, kv_sql rows, kv_sql id) {
  kv_contest contest;
  kv_run run;
  int rc;

  kv_contest_begin(&contest, stmts);
  kv_run_begin(&run, stmts, rows);
  while (kv_run_row(&run))
    run.rc = contest_take(&contest, &run, id);
  rc = kv_run_close(&run);
  if (rc == SQLITE_OK) rc = contest_end_key(&contest, id);
  if (rc == SQLITE_OK) rc = contest_run(&contest, id);
  kv_contest_clear(&contest);
  return rc;
}

static int contest_note_all(kv_stmts *stmts, int64_t rows) {
  kv_run run;

  kv_run_begin(&run, stmts, KV_SQL_CONTEST_JUDGED);
  kv_run_int(&run, rows);
  return kv_run_end(&run);
}

int kv_contest_judge_all(kv_stmts *stmts, int64_t rows) {
  int rc;

  assert(!sqlite3_get_autocommit(stmts->db)); /* inside a savepoint */
  rc = kv_stmt_exec(stmts, KV_SQL_CONTEST_CLEAR);
  if (rc == SQLITE_OK) {
    rc = contest_walk(stmts, KV_SQL_CONTEST_ALL, KV_SQL_CONTEST_PUT);
  }
  if (rc == SQLITE_OK) {
    rc = contest_walk(stmts, KV_SQL_CONTEST_ALL_TYPED, KV_SQL_CONTEST_PUT);
  }
  return rc == SQLITE_OK ? contest_note_all(stmts, rows) : rc;
}

int kv_contest_judge_again(kv_stmts *stmts, int64_t rows) {
  int rc;

  assert(!sqlite3_get_autocommit(stmts->db)); /* inside a savepoint */
  rc = contest_walk(stmts, KV_SQL_CONTEST_AGAIN, KV_SQL_CONTEST_SETTLED);
  return rc == SQLITE_OK ? contest_note_all(stmts, rows) : rc;
}
