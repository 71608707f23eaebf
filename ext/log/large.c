/*
** Rows with large values. See large.h.
**
** A check that was left goes on where it was if the row begins as it did. The
** file may have changed meanwhile, and the part that was read with it: what
** does not match then is read once more from its beginning.
*/
#include "large.h"

#include <string.h>

#include "db/error.h"
#include "db/stmt.h"
#include "payload.h"

/* The time is over: no code of SQLite. */
#define LARGE_LEFT (-1)

/* Pieces that are read between two looks at the host. */
#define LARGE_POLL 256

/* No page has fewer bytes of a large row. */
#define LARGE_PAGE 256

/* Bytes that are passed over between two looks at the clock. */
#define LARGE_SKIP 65536

typedef enum large_outcome {
  LARGE_BEGUN, /* it was left */
  LARGE_RIGHT,
  LARGE_WRONG,
  LARGE_SUM /* its sum was asked for, and is known */
} large_outcome;

struct kv_large_row {
  struct kv_large_row *next;
  kv_row previous; /* seq, txn, sum; txn -1: only its sum is asked for */
  uint32_t n;      /* bytes of it, which begin with these */
  unsigned char head[KV_PAYLOAD_HEAD];
  kv_row_far far;
  kv_payload_place place;
  int64_t state; /* of the file when it was begun; when its outcome was known */
  int64_t sum;
  large_outcome outcome;
  int is_again; /* begun a second time, as the file had changed */
  int was_wrong;
  int is_used;
};

/* One of them, as it is being read. */
typedef struct large_reading {
  kv_large_check_of *of;
  kv_row row;
  kv_payload payload;
  kv_payload_place place; /* behind what was read last */
  int n_pieces;
} large_reading;

kv_larges *kv_larges_get(kv_larges **list, const char *device) {
  kv_larges *larges = *list;

  while (larges && strcmp(larges->device, device) != 0)
    larges = larges->next;
  if (larges) return larges;
  larges = kv_zalloc(sizeof(*larges));
  if (!larges) return NULL;
  sqlite3_snprintf(sizeof(larges->device), larges->device, "%s", device);
  larges->next = *list;
  *list = larges;
  return larges;
}

void kv_larges_look(kv_larges *larges, const kv_stamp *stamp) {
  /* One that is fresh may have changed under the same stamp. */
  if (memcmp(&larges->stamp, stamp, sizeof(*stamp)) != 0 ||
      kv_folder_is_fresh(stamp)) {
    larges->n_states++;
  }
  larges->stamp = *stamp;
}

/* Forget rows: all, or those that nothing was asked about. */
static void larges_drop(kv_larges *larges, int only_unused) {
  kv_large_row **link = &larges->rows;

  while (*link) {
    kv_large_row *row = *link;

    if (only_unused && row->is_used) {
      row->is_used = 0;
      link = &row->next;
    } else {
      *link = row->next;
      sqlite3_free(row);
    }
  }
}

void kv_larges_of(kv_larges *larges, const unsigned char *id) {
  if (memcmp(larges->id, id, KV_ID_SIZE) == 0) return;
  larges_drop(larges, 0);
  memcpy(larges->id, id, KV_ID_SIZE);
}

void kv_larges_clear(kv_larges *larges) {
  larges_drop(larges, 0);
}

void kv_larges_trim(kv_larges *larges) {
  larges_drop(larges, 1);
}

void kv_larges_forget(kv_larges **list, const char *device) {
  while (*list) {
    kv_larges *larges = *list;

    if (device && strcmp(larges->device, device) != 0) {
      list = &larges->next;
      continue;
    }
    *list = larges->next;
    larges_drop(larges, 0);
    sqlite3_free(larges);
  }
}

/* What is known of a row: NULL if nothing is. */
static kv_large_row *large_known(const large_reading *reading,
                                 const kv_row *previous) {
  kv_larges *larges = reading->of->larges;
  kv_large_row *row = larges ? larges->rows : NULL;

  for (; row; row = row->next) {
    if (row->previous.seq == previous->seq &&
        row->previous.txn == previous->txn &&
        row->previous.sum == previous->sum && row->n == reading->payload.n &&
        memcmp(row->head, reading->payload.head, KV_PAYLOAD_HEAD) == 0) {
      row->is_used = 1;
      return row;
    }
  }
  return NULL;
}

/* Make room for it; *out is NULL if nothing is kept. */
static int large_keep(const large_reading *reading, const kv_row *previous,
                      kv_large_row **out) {
  kv_larges *larges = reading->of->larges;
  kv_large_row *row = *out;

  if (row || !larges) return SQLITE_OK;
  row = kv_zalloc(sizeof(*row));
  if (!row) return SQLITE_NOMEM;
  row->previous.seq = previous->seq;
  row->previous.txn = previous->txn;
  row->previous.sum = previous->sum;
  row->n = reading->payload.n;
  memcpy(row->head, reading->payload.head, KV_PAYLOAD_HEAD);
  row->state = larges->n_states;
  row->is_used = 1;
  row->next = larges->rows;
  larges->rows = row;
  *out = row;
  return SQLITE_OK;
}

static void large_settle(kv_large_row *row, const large_reading *reading,
                         large_outcome outcome) {
  if (!row) return;
  row->outcome = outcome;
  row->state = reading->of->larges->n_states;
  row->was_wrong = outcome == LARGE_WRONG;
  row->is_again = 0;
}

/* Is what is known of it known of the file as it is? */
static int large_is_settled(const kv_large_row *row,
                            const large_reading *reading) {
  return row && row->outcome != LARGE_BEGUN &&
         row->state == reading->of->larges->n_states;
}

/* Begin it again. */
static void large_restart(kv_large_row *row, const large_reading *reading) {
  memset(&row->far, 0, sizeof(row->far));
  memset(&row->place, 0, sizeof(row->place));
  row->outcome = LARGE_BEGUN;
  row->state = reading->of->larges->n_states;
}

/* Between two pieces: is it time to leave? */
static int large_pause(large_reading *reading) {
  kv_large_check_of *of = reading->of;
  int n = reading->n_pieces++;

  if (n % LARGE_POLL == LARGE_POLL - 1 && kv_stmt_is_stopped(of->poll)) {
    return SQLITE_ABORT;
  }
  if (of->larges && of->budget > 0) {
    int64_t now = kv_folder_clock();

    if (!of->deadline) of->deadline = now + of->budget;
    if (n > 0 && now >= of->deadline) return LARGE_LEFT;
  }
  return SQLITE_OK;
}

/* A number that lies where the reading is. */
static int large_fill_one(large_reading *reading, int column, kv_value *value) {
  const kv_payload_column *c = &reading->payload.columns[column];

  if (c->type != KV_INTEGER && c->type != KV_REAL) return SQLITE_OK;
  if (c->from != reading->payload.place.at) return SQLITE_OK;
  return kv_payload_number(&reading->payload, column, &value->i, &value->r);
}

/* The numbers behind what was read, before they are hashed. */
static int large_fill(large_reading *reading) {
  int rc = large_fill_one(reading, KV_LOG_KEY, &reading->row.key);

  return rc == SQLITE_OK
           ? large_fill_one(reading, KV_LOG_VALUE, &reading->row.value)
           : rc;
}

/* A kv_row_read. */
static int large_read(void *source, const kv_value *value, size_t at, size_t n,
                      void *out) {
  large_reading *reading = source;
  kv_payload *payload = &reading->payload;
  const kv_payload_column *c = &payload->columns[KV_LOG_VALUE];
  int rc = large_pause(reading);

  if (value == &reading->row.bucket) c = &payload->columns[KV_LOG_BUCKET];
  if (value == &reading->row.key) c = &payload->columns[KV_LOG_KEY];
  if (rc != SQLITE_OK) return rc;
  if (c->from + at < payload->place.at) return SQLITE_CORRUPT;
  rc = kv_payload_read(payload, (uint32_t)(c->from + at) - payload->place.at,
                       NULL);
  if (rc == SQLITE_OK) rc = kv_payload_read(payload, (uint32_t)n, out);
  reading->place = payload->place;
  return rc == SQLITE_OK ? large_fill(reading) : rc;
}

/* A number at the beginning of a row. */
static int large_number(kv_payload *payload, int column, kv_value *out,
                        const char **reason) {
  const kv_payload_column *c = &payload->columns[column];
  int is_null = c->type == KV_NULL && column == KV_LOG_PARENT_TS;

  out->type = c->type;
  if (*reason) return SQLITE_OK;
  if (c->type >= KV_TEXT ||
      (c->type != KV_INTEGER && !is_null && column != KV_LOG_PARENT_TS)) {
    *reason = "a column has a value of another type";
    return SQLITE_OK;
  }
  return kv_payload_number(payload, column, &out->i, &out->r);
}

static void large_text(const kv_payload *payload, int column, kv_value *out) {
  out->type = payload->columns[column].type;
  if (out->type >= KV_TEXT) out->n = payload->columns[column].n;
}

/* The row but for what is behind large values; *reason: it is none. */
static int large_row_read(large_reading *reading, const kv_row *previous,
                          const char **reason) {
  kv_payload *payload = &reading->payload;
  kv_row *row = &reading->row;
  kv_value numbers[3] = {{0}};
  int rc = SQLITE_OK;

  if (payload->columns[KV_LOG_SEQ].n > 8 ||
      payload->columns[KV_LOG_SUM].type != KV_INTEGER) {
    *reason = "a column has a value of another type";
  }
  rc = large_number(payload, KV_LOG_TXN, &numbers[0], reason);
  if (rc == SQLITE_OK) {
    rc = large_number(payload, KV_LOG_TS, &numbers[1], reason);
  }
  if (rc == SQLITE_OK) {
    rc = large_number(payload, KV_LOG_PARENT_TS, &row->parent_ts, reason);
  }
  if (rc == SQLITE_OK) {
    rc = large_number(payload, KV_LOG_OP, &numbers[2], reason);
  }
  if (rc != SQLITE_OK) return rc;
  row->seq = previous->seq + 1;
  row->txn = numbers[0].i;
  row->ts = numbers[1].i;
  row->op = numbers[2].i == (int)numbers[2].i ? (int)numbers[2].i : -1;
  large_text(payload, KV_LOG_BUCKET, &row->bucket);
  large_text(payload, KV_LOG_KEY, &row->key);
  large_text(payload, KV_LOG_VALUE, &row->value);
  return SQLITE_OK;
}

static int large_is_over(const kv_value *value, int limit) {
  return value->type >= KV_TEXT && value->n > (size_t)limit;
}

/* The time was over: keep how far it came. */
static int large_leave(large_reading *reading, const kv_row *previous,
                       const kv_row_far *far, kv_large_row *known) {
  kv_large_check_of *of = reading->of;
  int rc = large_keep(reading, previous, &known);

  if (rc != SQLITE_OK || !known) return rc;
  known->outcome = LARGE_BEGUN;
  if (far) known->far = *far;
  known->place = reading->place;
  of->left.is_left = 1;
  of->left.was_wrong = known->was_wrong;
  of->left.n_done = reading->place.at;
  of->left.n_bytes = reading->payload.n;
  return SQLITE_OK;
}

/* Read the row from where it was left to its sum. */
static int large_hash(large_reading *reading, const kv_row *previous,
                      kv_large_row *known, int *is_right) {
  kv_payload_place start = reading->payload.place;
  kv_row_far far;
  kv_value stored = {0};
  int64_t sum = 0;
  int rc;

  memset(&far, 0, sizeof(far));
  if (known && known->far.at > 0) {
    far = known->far;
    start = known->place;
  }
  kv_payload_go(&reading->payload, start);
  reading->place = start;
  rc = large_fill(reading);
  if (rc == SQLITE_OK) {
    rc = kv_row_sum_far(previous->sum, &reading->row, large_read, reading, &far,
                        &sum);
  }
  if (rc == SQLITE_OK) {
    rc = kv_payload_number(&reading->payload, KV_LOG_SUM, &stored.i, &stored.r);
  }
  *is_right = stored.i == sum;
  if (rc == LARGE_LEFT || rc == SQLITE_ABORT) {
    int rc2 = large_leave(reading, previous, &far, known);
    if (rc2 != SQLITE_OK) rc = rc2;
  }
  return rc;
}

/*
** Is its sum right? If it is not, and another state of the file was read in
** part, it is read once more.
*/
static int large_check_sum(large_reading *reading, const kv_row *previous,
                           const char **reason) {
  kv_payload_place start = reading->payload.place;
  kv_large_row *known = large_known(reading, previous);
  int is_right = known && known->outcome == LARGE_RIGHT;
  int rc = SQLITE_OK;

  if (!is_right && !large_is_settled(known, reading)) {
    if (known && known->outcome == LARGE_WRONG) large_restart(known, reading);
    rc = large_hash(reading, previous, known, &is_right);
    if (rc == SQLITE_OK && !is_right && known && !known->is_again &&
        known->state != reading->of->larges->n_states) {
      large_restart(known, reading);
      known->is_again = 1;
      kv_payload_go(&reading->payload, start);
      rc = large_hash(reading, previous, known, &is_right);
    }
    if (rc == SQLITE_OK) rc = large_keep(reading, previous, &known);
    if (rc == SQLITE_OK) {
      large_settle(known, reading, is_right ? LARGE_RIGHT : LARGE_WRONG);
    }
  }
  if (rc == SQLITE_OK && !is_right) *reason = "its checksum does not match";
  if (rc == LARGE_LEFT) {
    *reason = "it is being verified";
    rc = SQLITE_OK;
  }
  return rc;
}

/* only_known: the row has to be the one that something is known of. */
static int large_check(kv_large_check_of *of, const kv_row *previous,
                       int only_known, const char **reason) {
  large_reading reading;
  const kv_row *row = &reading.row;
  int rc;

  memset(&reading, 0, sizeof(reading));
  reading.of = of;
  of->left.is_left = 0;
  *reason = NULL;
  rc = kv_payload_find(of->handle, previous->seq + 1, &reading.payload);
  of->n = reading.payload.n;
  if (rc == SQLITE_DONE) {
    *reason = "its sequence number is not the next one";
    rc = SQLITE_OK;
  } else if (rc == SQLITE_OK &&
             (!only_known || large_known(&reading, previous))) {
    rc = large_row_read(&reading, previous, reason);
    if (rc == SQLITE_OK && !*reason &&
        (large_is_over(&row->bucket, of->limit) ||
         large_is_over(&row->key, of->limit) ||
         large_is_over(&row->value, of->limit))) {
      rc = SQLITE_TOOBIG;
    }
    if (rc == SQLITE_OK && !*reason) {
      *reason = kv_row_check_form(previous, row);
    }
    if (rc == SQLITE_OK && !*reason) {
      rc = large_check_sum(&reading, previous, reason);
    }
  }
  kv_payload_clear(&reading.payload);
  return rc;
}

int kv_large_check(kv_large_check_of *of, const kv_row *previous,
                   const char **reason) {
  return large_check(of, previous, 0, reason);
}

/* Pass over the row to its sum. */
static int large_pass(large_reading *reading, int64_t *sum) {
  kv_payload *payload = &reading->payload;
  uint32_t from = payload->columns[KV_LOG_SUM].from;
  double r;
  int rc = SQLITE_OK;

  while (rc == SQLITE_OK && payload->place.at < from) {
    uint32_t n = from - payload->place.at;

    rc = large_pause(reading);
    if (rc == SQLITE_OK) {
      rc = kv_payload_read(payload, n < LARGE_SKIP ? n : LARGE_SKIP, NULL);
      reading->place = payload->place;
    }
  }
  return rc == SQLITE_OK ? kv_payload_number(payload, KV_LOG_SUM, sum, &r) : rc;
}

/* The sum of a row that was found. */
static int large_sum(large_reading *reading, int64_t seq, int only_known,
                     int64_t *sum, int *found) {
  kv_row asked = {0};
  kv_large_row *known;
  int rc = SQLITE_OK;

  asked.seq = seq - 1;
  asked.txn = -1;
  known = large_known(reading, &asked);
  if (only_known && !known) return SQLITE_OK;
  if (large_is_settled(known, reading)) {
    *sum = known->sum;
  } else {
    if (known && known->outcome == LARGE_SUM) large_restart(known, reading);
    if (known) kv_payload_go(&reading->payload, known->place);
    rc = large_pass(reading, sum);
    if (rc == LARGE_LEFT) return large_leave(reading, &asked, NULL, known);
    if (rc == SQLITE_OK) rc = large_keep(reading, &asked, &known);
    if (rc == SQLITE_OK) large_settle(known, reading, LARGE_SUM);
    if (known) known->sum = *sum;
  }
  *found = rc == SQLITE_OK;
  return rc;
}

static int large_sum_at(kv_large_check_of *of, int64_t seq, int only_known,
                        const int64_t *expected, int64_t *sum, int *found) {
  large_reading reading;
  int rc;

  memset(&reading, 0, sizeof(reading));
  reading.of = of;
  of->left.is_left = 0;
  *found = 0;
  *sum = 0;
  rc = kv_payload_find(of->handle, seq, &reading.payload);
  if (rc == SQLITE_OK && expected) {
    rc = kv_payload_guess(&reading.payload, KV_LOG_SUM, sum, found);
    if (*sum != *expected) *found = 0;
  }
  if (rc == SQLITE_OK && !*found) {
    rc = reading.payload.columns[KV_LOG_SUM].type == KV_INTEGER
           ? large_sum(&reading, seq, only_known, sum, found)
           : SQLITE_DONE;
  }
  kv_payload_clear(&reading.payload);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int kv_large_sum(kv_large_check_of *of, int64_t seq, const int64_t *expected,
                 int64_t *sum, int *found) {
  return large_sum_at(of, seq, 0, expected, sum, found);
}

/* The first one that was left. */
static kv_large_row *larges_begun(const kv_larges *larges) {
  kv_large_row *row = larges->rows;

  while (row && row->outcome != LARGE_BEGUN)
    row = row->next;
  return row;
}

int kv_large_go_on(kv_large_check_of *of) {
  kv_large_row *row;
  int rc = SQLITE_OK;

  of->left.is_left = 0;
  while (rc == SQLITE_OK && !of->left.is_left &&
         (row = larges_begun(of->larges))) {
    kv_row previous = row->previous;
    const char *reason;
    int64_t sum;
    int found;

    if (previous.txn < 0) {
      rc = large_sum_at(of, previous.seq + 1, 1, NULL, &sum, &found);
    } else {
      rc = large_check(of, &previous, 1, &reason);
    }
    /* What cannot be gone on with is gone, or the disk fails. */
    if (row->outcome == LARGE_BEGUN && !of->left.is_left) {
      row->is_used = 0;
      break;
    }
  }
  return rc;
}

void kv_large_limit(kv_large_check_of *of) {
  int limit = sqlite3_limit(of->handle, SQLITE_LIMIT_LENGTH, -1);

  if (limit <= KV_LARGE) return;
  of->limit = limit;
  sqlite3_limit(of->handle, SQLITE_LIMIT_LENGTH, KV_LARGE);
}

void kv_large_unlimit(kv_large_check_of *of) {
  if (of->limit == 0) return;
  sqlite3_limit(of->handle, SQLITE_LIMIT_LENGTH, of->limit);
  of->limit = 0;
}

int kv_large_step(kv_large_check_of *of, sqlite3_stmt *stmt, kv_work *work) {
  int64_t n = of->n;
  int limit = n < of->limit ? (int)n : of->limit;
  int rc;

  *work = KV_WORK_ROW;
  work->reads += (int)(n / LARGE_PAGE);
  work->poll = of->poll;
  sqlite3_limit(of->handle, SQLITE_LIMIT_LENGTH, limit);
  rc = sqlite3_step(stmt);
  work->poll = NULL;
  sqlite3_limit(of->handle, SQLITE_LIMIT_LENGTH, KV_LARGE);
  return rc == SQLITE_TOOBIG && n < of->limit ? SQLITE_CORRUPT : rc;
}
