#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/error.h"
#include "log/append.h"
#include "log/reader.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"
#include "support/rc.h"

#define MANY 100

static const unsigned char an_id[KV_ID_SIZE] = {1, 2, 3};

/* Rows to be appended: key n has the number n; that of `wrong` has no time. */
typedef struct given {
  kv_rows base; /* first: what is handed over is a kv_rows */
  int n;
  int i;
  int wrong;
  kv_rows_row out;
} given;

static const kv_rows_row *given_next(kv_rows *base) {
  given *g = (given *)base;
  kv_row *row = &g->out.row;

  if (g->i == g->n) return NULL;
  g->i++;
  memset(row, 0, sizeof(*row));
  row->txn = g->n;
  row->ts = g->i == g->wrong ? -1 : TEST_NOW;
  row->op = KV_OP_SET;
  row->bucket = test_text("");
  row->key = test_integer(g->i);
  row->value = test_text("value");
  return &g->out;
}

static given rows_of(int n, int wrong) {
  given g;

  memset(&g, 0, sizeof(g));
  g.base.next = given_next;
  g.n = n;
  g.wrong = wrong;
  return g;
}

static kv_writer *lock(sqlite3 *host, const char *root) {
  kv_log_head head;
  kv_writer_place place;
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_writer *log = NULL;
  char *err = NULL;

  memset(&place, 0, sizeof(place));
  place.host = host;
  place.root = root;
  place.device = "phone";
  place.file = "log.db";
  place.machine = "";
  memset(&head, 0, sizeof(head));
  memcpy(head.id, an_id, KV_ID_SIZE);
  place.head = &head;
  place.now = TEST_NOW;
  assert_rc(kv_writer_lock(&place, &log, &verdict, &err), SQLITE_OK);
  assert_non_null(log);
  return log;
}

static int count_statement(unsigned event, void *n, void *stmt, void *text) {
  (void)event, (void)stmt, (void)text;
  ++*(int *)n;
  return 0;
}

static void many_rows_are_one_statement(void **state) {
  sqlite3 *host = test_connect(":memory:");
  kv_writer *log = lock(host, *state);
  given rows = rows_of(MANY, 0);
  int n_statements = 0;

  sqlite3_trace_v2(log->handle, SQLITE_TRACE_STMT, count_statement,
                   &n_statements);
  assert_rc(kv_append_rows(log, &rows.base, MANY), SQLITE_OK);
  assert_int_equal(n_statements, 1);
  assert_int_equal(log->tail.seq, MANY);
  kv_writer_close(log);
  test_disconnect(host);
}

static void they_verify(void **state) {
  const char *path = test_path("%s/devices/phone/log.db", *state);
  sqlite3 *host = test_connect(":memory:");
  kv_writer *log = lock(host, *state);
  kv_verdict verdict = {KV_STATE_OK, NULL};
  given rows = rows_of(MANY, 0);
  kv_reader *reader = NULL;
  kv_stretch stretch;

  assert_rc(kv_append_rows(log, &rows.base, MANY), SQLITE_OK);
  assert_rc(kv_writer_commit(log), SQLITE_OK);
  kv_writer_close(log);
  assert_rc(kv_reader_open(host, path, NULL, &reader, &verdict), SQLITE_OK);
  assert_rc(kv_reader_verify(reader, kv_reader_head(reader)->base, INT64_MAX,
                             NULL, &stretch),
            SQLITE_OK);
  assert_int_equal(stretch.ended, KV_END_CLEAN);
  assert_int_equal(stretch.n_rows, MANY);
  kv_reader_close(reader);
  test_disconnect(host);
}

static void they_are_the_same_as_one_by_one(void **state) {
  sqlite3 *host = test_connect(":memory:");
  kv_writer *log = lock(host, *state);
  given rows = rows_of(MANY, 0);
  const kv_rows_row *row;
  int64_t sum;

  while ((row = rows.base.next(&rows.base)) != NULL) {
    kv_row copy = row->row;
    assert_rc(kv_append_row(log, &copy), SQLITE_OK);
  }
  sum = log->tail.sum;
  kv_writer_close(log); /* without a commit */
  log = lock(host, *state);
  rows.i = 0;
  assert_rc(kv_append_rows(log, &rows.base, MANY), SQLITE_OK);
  assert_int_equal(log->tail.sum, sum);
  kv_writer_close(log);
  log = lock(host, *state);
  rows = rows_of(3, 0);
  assert_rc(kv_append_rows(log, &rows.base, 3), SQLITE_OK);
  assert_int_equal(log->tail.seq, 3);
  kv_writer_close(log);
  test_disconnect(host);
}

static void a_row_that_no_reader_takes_ends_them(void **state) {
  sqlite3 *host = test_connect(":memory:");
  kv_writer *log = lock(host, *state);
  given rows = rows_of(MANY, 20);

  assert_rc(kv_append_rows(log, &rows.base, MANY), KV_REFUSED);
  assert_false(kv_writer_has_failed(log));
  assert_int_equal(log->tail.seq, 19);
  kv_writer_close(log);
  test_disconnect(host);
}

static void a_full_disk_is_a_failure_of_the_log(void **state) {
  sqlite3 *host = test_connect(":memory:");
  kv_writer *log = lock(host, *state);
  given rows = rows_of(1000, 0);

  test_run(log->handle, "PRAGMA max_page_count = 4");
  assert_rc(kv_append_rows(log, &rows.base, 1000), SQLITE_FULL);
  assert_true(kv_writer_has_failed(log));
  kv_writer_close(log);
  test_disconnect(host);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(many_rows_are_one_statement),
    test_in_folder(they_verify),
    test_in_folder(they_are_the_same_as_one_by_one),
    test_in_folder(a_row_that_no_reader_takes_ends_them),
    test_in_folder(a_full_disk_is_a_failure_of_the_log),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
