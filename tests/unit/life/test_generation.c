/*
** A new generation of the own log: its files, and what a crash leaves of both.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/error.h"
#include "file/segment.h"
#include "life/generation.h"
#include "life/seal.h"
#include "log/append.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"
#include "support/rc.h"

static const unsigned char an_id[KV_ID_SIZE] = {1, 2, 3};

static sqlite3 *host;
static const char *root;

static kv_writer_place place(void) {
  static kv_log_head head;
  kv_writer_place out = {host, root, "phone", "log.db", "", &head, TEST_NOW, 0};

  memset(&head, 0, sizeof(head));
  memcpy(head.id, an_id, KV_ID_SIZE);
  return out;
}

static kv_writer *lock(void) {
  kv_writer_place where = place();
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_writer *log = NULL;
  char *err = NULL;

  assert_rc(kv_writer_lock(&where, &log, &verdict, &err), SQLITE_OK);
  assert_non_null(log);
  return log;
}

static void commit(kv_writer *log) {
  assert_rc(kv_writer_commit(log), SQLITE_OK);
  kv_writer_close(log);
}

/* Rows by their numbers; a transaction ends at each number that is its own txn. */
typedef struct given {
  kv_rows base; /* first: what is handed over is a kv_rows */
  const int (*rows)[2];
  int rc;     /* why they end, and behind how many; */
  int n_most; /* 0: they do not */
  int i;
  kv_rows_row out;
} given;

static const kv_rows_row *given_next(kv_rows *base) {
  given *g = (given *)base;
  kv_row *row = &g->out.row;

  if (g->rows[g->i][0] == 0) return NULL;
  if (g->n_most && g->i == g->n_most) {
    g->rc = SQLITE_INTERRUPT;
    return NULL;
  }
  memset(row, 0, sizeof(*row));
  row->seq = g->rows[g->i][0];
  row->txn = g->rows[g->i][1];
  row->ts = TEST_NOW + row->seq;
  row->op = KV_OP_SET;
  row->bucket = test_text("");
  row->key = test_integer(row->seq);
  row->value = test_text("value");
  g->i++;
  return &g->out;
}

static given rows_of(const int (*rows)[2]) {
  given g;

  memset(&g, 0, sizeof(g));
  g.base.next = given_next;
  g.rows = rows;
  return g;
}

static const int six[][2] = {{1, 1}, {2, 4}, {3, 4}, {4, 4},
                             {5, 5}, {6, 6}, {0, 0}};
static const int some[][2] = {{2, 3}, {3, 3}, {5, 5}, {0, 0}};
static const int none[][2] = {{0, 0}};

static int setup(void **state) {
  kv_writer *log;
  given rows = rows_of(six);

  if (test_files_setup(state)) return 1;
  root = *state;
  host = test_connect(":memory:");
  log = lock();
  assert_rc(kv_append_rows(log, &rows.base, 6), SQLITE_OK);
  commit(log);
  return 0;
}

static int teardown(void **state) {
  test_disconnect(host);
  return test_files_teardown(state);
}

static int compact(const int (*kept)[2], int64_t horizon, kv_log_head *head) {
  kv_writer_place where = place();
  kv_writer *log = lock();
  given rows = rows_of(kept);
  char *err = NULL;
  int rc =
    kv_generation_write(log, &where, horizon, &rows.base, 3, &rows.rc, &err);

  if (head) *head = log->head;
  kv_writer_close(log);
  assert_true((rc == SQLITE_OK) == (err == NULL));
  sqlite3_free(err);
  return rc;
}

/* "numbers up to the end: its seq", of log.db and its sealed files. */
static const char *what_is_read(void) {
  const char *path = test_path("%s/devices/phone/log.db", root);
  kv_verdict verdict = {KV_STATE_OK, NULL};
  const kv_stretch *stretch;
  kv_reader *reader = NULL;
  const kv_row *row;
  const char *reason;
  const char *text = "";
  int rc;

  assert_rc(kv_reader_open(host, path, "phone", &reader, &verdict), SQLITE_OK);
  assert_non_null(reader);
  kv_reader_start(reader, kv_log_start(kv_reader_head(reader)), INT64_MAX);
  while ((rc = kv_reader_next(reader, &row, &reason)) == SQLITE_ROW)
    text = test_path("%s%d ", text, (int)row->seq);
  assert_rc(rc, SQLITE_DONE);
  stretch = kv_reader_stretch(reader);
  text = test_path("%s: %d%s%s", text, (int)stretch->end.seq,
                   reason ? ", " : "", reason ? reason : "");
  kv_reader_close(reader);
  return text;
}

static const char *segment(const unsigned char *id, int64_t last) {
  char name[KV_SEGMENT_NAME_SIZE];

  kv_segment_name(id, last, name);
  return test_path("%s/devices/phone/%s", root, name);
}

static const char *in_directory(const char *file) {
  return test_path("%s/devices/phone/%s", root, file);
}

static void clean(int is_ahead, int is_rolled_back) {
  kv_writer_place where = place();
  kv_writer *log = lock();
  int found;

  assert_rc(kv_generation_clean(log, &where, is_ahead, &found), SQLITE_OK);
  assert_int_equal(found, is_rolled_back);
  kv_writer_close(log);
}

static void rows_that_stay_keep_their_numbers(void **state) {
  kv_log_head head;

  (void)state;
  assert_rc(compact(some, TEST_NOW + 7, &head), SQLITE_OK);
  assert_string_equal(what_is_read(), "2 3 5 : 6");
  assert_true(kv_row_same_lineage(head.id, an_id));
  assert_true(memcmp(head.id, an_id, KV_ID_SIZE) > 0);
  assert_memory_equal(head.origin.former_id, an_id, KV_ID_SIZE);
  assert_int_equal(head.origin.former_seq, 6);
  assert_true(head.origin.horizon == TEST_NOW + 7);
  assert_int_equal(head.base.seq, 6);
  assert_true(test_exists(segment(head.id, 6)));
  assert_false(test_exists(in_directory("log.db.sealed")));
}

static void the_log_goes_on_behind_them(void **state) {
  given more = rows_of(six);
  kv_writer *log;

  (void)state;
  assert_rc(compact(some, 0, NULL), SQLITE_OK);
  log = lock();
  assert_int_equal(log->tail.seq, 6);
  more.i = 5;
  more.rows = (const int[][2]){{0}, {0}, {0}, {0}, {0}, {7, 7}, {0}};
  assert_rc(kv_append_rows(log, &more.base, 1), SQLITE_OK);
  commit(log);
  assert_string_equal(what_is_read(), "2 3 5 7 : 7");
}

static void all_rows_may_go(void **state) {
  kv_log_head first;
  kv_log_head second;

  (void)state;
  assert_rc(compact(none, 5, &first), SQLITE_OK);
  assert_string_equal(what_is_read(), ": 6");
  assert_rc(compact(none, 3, &second), SQLITE_OK);
  assert_string_equal(what_is_read(), ": 6");
  assert_true(memcmp(second.id, first.id, KV_ID_SIZE) > 0);
  assert_true(second.origin.horizon == 5);
  assert_false(test_exists(segment(first.id, 6)));
}

static void sealed_files_of_the_old_generation_go(void **state) {
  kv_writer_place where = place();
  kv_log_head head;
  kv_writer *log = lock();
  int is_sealed;

  (void)state;
  assert_rc(kv_writer_commit(log), SQLITE_OK);
  assert_rc(kv_seal_log(log, &where, KV_SEAL_BYTES, &is_sealed), SQLITE_OK);
  assert_true(is_sealed);
  kv_writer_close(log);
  assert_true(test_exists(segment(an_id, 6)));
  assert_rc(compact(some, 0, &head), SQLITE_OK);
  assert_false(test_exists(segment(an_id, 6)));
  assert_string_equal(what_is_read(), "2 3 5 : 6");
}

static void an_error_leaves_the_old_generation(void **state) {
  const int again[][2] = {{2, 2}, {2, 2}, {0, 0}};
  const int behind[][2] = {{5, 5}, {7, 7}, {0, 0}};
  const int across[][2] = {{5, 7}, {7, 7}, {0, 0}};
  kv_writer_place where = place();
  given rows = rows_of(some);
  char *err = NULL;
  kv_writer *log;

  (void)state;
  assert_rc(compact(again, 0, NULL), KV_REFUSED);
  assert_rc(compact(behind, 0, NULL), KV_DAMAGED);
  assert_rc(compact(across, 0, NULL), KV_REFUSED);
  log = lock();
  rows.n_most = 2;
  assert_rc(kv_generation_write(log, &where, 0, &rows.base, 3, &rows.rc, &err),
            SQLITE_INTERRUPT);
  kv_writer_close(log);
  assert_string_equal(what_is_read(), "1 2 3 4 5 6 : 6");
  assert_false(test_exists(in_directory("log.db.sealed")));
  clean(0, 0);
}

static void a_crash_before_log_db_leaves_a_file_that_is_deleted(void **state) {
  kv_log_head head;

  (void)state;
  test_copy(in_directory("log.db"), in_directory("copy"));
  assert_rc(compact(some, 0, &head), SQLITE_OK);
  test_copy(in_directory("copy"), in_directory("log.db"));
  assert_string_equal(what_is_read(), "1 2 3 4 5 6 : 6");
  clean(0, 0);
  assert_false(test_exists(segment(head.id, 6)));
  assert_string_equal(what_is_read(), "1 2 3 4 5 6 : 6");
}

static void so_it_is_when_the_log_went_on(void **state) {
  const int seventh[][2] = {{7, 7}, {0, 0}};
  given more = rows_of(seventh);
  kv_log_head head;
  kv_writer *log;

  (void)state;
  test_copy(in_directory("log.db"), in_directory("copy"));
  assert_rc(compact(some, 0, &head), SQLITE_OK);
  test_copy(in_directory("copy"), in_directory("log.db"));
  log = lock();
  assert_rc(kv_append_rows(log, &more.base, 1), SQLITE_OK);
  commit(log);
  clean(0, 0);
  assert_false(test_exists(segment(head.id, 6)));
  assert_string_equal(what_is_read(), "1 2 3 4 5 6 7 : 7");
}

static void
a_crash_behind_log_db_leaves_old_files_that_are_deleted(void **state) {
  kv_log_head head;

  (void)state;
  test_copy(in_directory("log.db"), segment(an_id, 6));
  test_copy(in_directory("log.db"), in_directory("copy"));
  assert_rc(compact(some, 0, &head), SQLITE_OK);
  test_copy(in_directory("copy"), segment(an_id, 6));
  clean(0, 0);
  assert_false(test_exists(segment(an_id, 6)));
  assert_true(test_exists(segment(head.id, 6)));
  assert_string_equal(what_is_read(), "2 3 5 : 6");
}

static void a_crash_before_that_leaves_a_file_that_is_deleted(void **state) {
  (void)state;
  test_copy(in_directory("log.db"), in_directory("log.db.sealed"));
  test_copy(in_directory("log.db"), in_directory("log.db.sealed-journal"));
  test_copy(in_directory("log.db"), in_directory("log.db.mine"));
  clean(0, 0);
  assert_false(test_exists(in_directory("log.db.sealed")));
  assert_false(test_exists(in_directory("log.db.sealed-journal")));
  assert_true(test_exists(in_directory("log.db.mine")));
  assert_string_equal(what_is_read(), "1 2 3 4 5 6 : 6");
}

static void a_log_that_was_rolled_back_is_told(void **state) {
  const int seventh[][2] = {{7, 7}, {0, 0}};
  given more = rows_of(seventh);
  kv_log_head head;
  kv_writer *log;

  (void)state;
  test_copy(in_directory("log.db"), in_directory("copy"));
  log = lock();
  assert_rc(kv_append_rows(log, &more.base, 1), SQLITE_OK);
  commit(log);
  assert_rc(compact(some, 0, &head), SQLITE_OK);
  test_copy(in_directory("copy"), in_directory("log.db"));
  clean(0, 1);
  assert_true(test_exists(segment(head.id, 7)));
  clean(1, 0);
  assert_false(test_exists(segment(head.id, 7)));
}

static void the_log_itself_is_no_leftover(void **state) {
  kv_log_head head;

  (void)state;
  assert_rc(compact(some, 0, &head), SQLITE_OK);
  clean(0, 0);
  assert_true(test_exists(segment(head.id, 6)));
}

static void generations_count_up_and_end(void **state) {
  unsigned char id[KV_ID_SIZE] = {9, 9, 9, 9, 9, 9, 9, 9,
                                  0, 0, 0, 0, 0, 0, 1, 255};
  unsigned char out[KV_ID_SIZE];

  (void)state;
  assert_true(kv_generation_next(id, 1, out));
  assert_int_equal(out[14], 2);
  assert_int_equal(out[15], 0);
  assert_memory_equal(out, id, KV_LINEAGE_SIZE);
  memset(id + KV_LINEAGE_SIZE, 255, 8);
  assert_false(kv_generation_next(id, 1, out));
  assert_int_equal(out[14], 2);
  id[KV_ID_SIZE - 1] = 254;
  assert_false(kv_generation_next(id, 2, out));
  assert_true(kv_generation_next(id, 1, out));
  assert_memory_equal(out, id, KV_ID_SIZE - 1);
  assert_int_equal(out[KV_ID_SIZE - 1], 255);
}

#define test_with_log(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
    test_with_log(rows_that_stay_keep_their_numbers),
    test_with_log(the_log_goes_on_behind_them),
    test_with_log(all_rows_may_go),
    test_with_log(sealed_files_of_the_old_generation_go),
    test_with_log(an_error_leaves_the_old_generation),
    test_with_log(a_crash_before_log_db_leaves_a_file_that_is_deleted),
    test_with_log(so_it_is_when_the_log_went_on),
    test_with_log(a_crash_behind_log_db_leaves_old_files_that_are_deleted),
    test_with_log(a_crash_before_that_leaves_a_file_that_is_deleted),
    test_with_log(a_log_that_was_rolled_back_is_told),
    test_with_log(the_log_itself_is_no_leftover),
    cmocka_unit_test(generations_count_up_and_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
