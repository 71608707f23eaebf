/*
** Rows with large values: read like others if they are right, else not
** loaded.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "db/stmt.h"
#include "log/large.h"
#include "log/reader.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"
#include "support/rc.h"

#define LENGTH (3 * KV_LARGE + 5)

/* A value of LENGTH bytes; is_text: of type text. */
static kv_value large(int is_text) {
  static char bytes[LENGTH];
  kv_value value;

  memset(bytes, 'x', sizeof(bytes));
  value = test_blob(bytes, sizeof(bytes));
  if (is_text) value.type = KV_TEXT;
  return value;
}

/* Rows a, b (a large text), a large key, d (a large blob), e. */
static const char *make_log(void **state) {
  const char *path = test_path("%s/log.db", *state);
  test_log log;

  if (test_exists(path)) test_remove(path);
  test_log_begin(&log, path, "phone", 1);
  test_log_set(&log, TEST_NOW, "a", "1", 0);
  log.row.value = large(1);
  log.row.key = test_text("b");
  log.row.txn = log.row.seq + 1;
  test_log_write(&log);
  log.row.key = large(0);
  log.row.value = test_real(0.5);
  log.row.txn = log.row.seq + 1;
  test_log_write(&log);
  log.row.key = test_text("d");
  log.row.value = large(0);
  log.row.txn = log.row.seq + 1;
  test_log_write(&log);
  test_log_set(&log, TEST_NOW + 1, "e", "1", 0);
  test_log_end(&log);
  return path;
}

/* Read a log; the number of its rows, *reason why there are no more. */
static int read_rows(sqlite3 *host, const char *path, kv_stretch *stretch) {
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  kv_position base;
  const kv_row *row;
  const char *reason;
  int n = 0;

  assert_rc(kv_reader_open(host, path, NULL, &reader, &verdict), SQLITE_OK);
  assert_non_null(reader);
  base = kv_reader_head(reader)->base;
  assert_rc(kv_reader_verify(reader, base, INT64_MAX, NULL, stretch),
            SQLITE_OK);
  assert_rc(kv_reader_start(reader, base, stretch->end.seq), SQLITE_OK);
  while (kv_reader_next(reader, &row, &reason) == SQLITE_ROW) {
    n++;
    if (row->seq == 2 || row->seq == 4) {
      kv_value expected = large(row->seq == 2);

      assert_int_equal(row->value.type, expected.type);
      assert_int_equal(row->value.n, LENGTH);
      assert_memory_equal(row->value.z, expected.z, LENGTH);
    }
  }
  assert_null(reason);
  kv_reader_close(reader);
  return n;
}

/* The same after SQL on the file, without the memory of a large value. */
static int read_broken(void **state, const char *text, const char *expected) {
  sqlite3 *host = test_connect(":memory:");
  const char *path = make_log(state);
  kv_stretch stretch;
  sqlite3_int64 used;
  int n;

  test_log_break(path, text);
  used = sqlite3_memory_used();
  sqlite3_memory_highwater(1);
  n = read_rows(host, path, &stretch);
  if (n < 2) assert_true(sqlite3_memory_highwater(0) < used + LENGTH);
  assert_string_equal(stretch.reason, expected);
  test_disconnect(host);
  return n;
}

static void large_values_are_read_like_others(void **state) {
  sqlite3 *host = test_connect(":memory:");
  kv_stretch stretch;

  assert_int_equal(read_rows(host, make_log(state), &stretch), 5);
  assert_true(stretch.is_clean);
  test_disconnect(host);
}

static void what_does_not_verify_is_not_loaded(void **state) {
  static const char sum[] = "its checksum does not match";
  static const char type[] = "a column has a value of another type";

  assert_int_equal(
    read_broken(state, "UPDATE log SET sum = 1 WHERE seq = 2", sum), 1);
  assert_int_equal(
    read_broken(state, "UPDATE log SET key = 'c' WHERE seq = 2", sum), 1);
  assert_int_equal(
    read_broken(state, "UPDATE log SET value = CAST(value AS BLOB)", sum), 0);
  assert_int_equal(
    read_broken(state, "UPDATE log SET value = value || 'x' WHERE seq = 2",
                sum),
    1);
  assert_int_equal(
    read_broken(state, "UPDATE log SET value = 7 WHERE seq = 3", sum), 2);
  assert_int_equal(
    read_broken(state, "UPDATE log SET sum = value WHERE seq = 2", type), 1);
  assert_int_equal(
    read_broken(state, "UPDATE log SET parent_ts = value WHERE seq = 2", type),
    1);
  assert_int_equal(
    read_broken(state, "UPDATE log SET txn = 'x' WHERE seq = 2", type), 1);
  assert_int_equal(
    read_broken(state, "UPDATE log SET ts = 0.5 WHERE seq = 2", type), 1);
  assert_int_equal(read_broken(state,
                               "UPDATE log SET parent_ts = 0.5 WHERE seq = 2",
                               "its parent's time is not an integer"),
                   1);
  assert_int_equal(read_broken(state,
                               "UPDATE log SET op = 4294967297 WHERE seq = 2",
                               "its operation is unknown"),
                   1);
  assert_int_equal(read_broken(state, "UPDATE log SET ts = -1 WHERE seq = 2",
                               "its time is out of range"),
                   1);
  assert_int_equal(
    read_broken(state,
                "UPDATE log SET bucket = CAST(value AS BLOB) WHERE seq = 2",
                "its bucket is not text"),
    1);
  assert_int_equal(read_broken(state, "DELETE FROM log WHERE seq = 1",
                               "its sequence number is not the next one"),
                   0);
  assert_int_equal(
    read_broken(state, "UPDATE log SET sum = 1 WHERE seq = 4", sum), 3);
}

static void a_value_over_the_limit_of_the_host_is_told(void **state) {
  sqlite3 *host = test_connect(":memory:");
  const char *path = make_log(state);
  kv_stretch stretch;

  sqlite3_limit(host, SQLITE_LIMIT_LENGTH, LENGTH - 1);
  assert_int_equal(read_rows(host, path, &stretch), 1);
  assert_true(stretch.is_too_big);
  sqlite3_limit(host, SQLITE_LIMIT_LENGTH, LENGTH + 100);
  assert_int_equal(read_rows(host, path, &stretch), 5);
  sqlite3_limit(host, SQLITE_LIMIT_LENGTH, 10000);
  assert_int_equal(read_rows(host, path, &stretch), 1);
  assert_true(stretch.is_too_big);
  test_disconnect(host);
}

/* The tail, as one expects it or not, of a file or of the own log. */
static void expect_tail(kv_reader *reader, kv_position tail) {
  kv_position expected[] = {
    tail, {tail.seq, tail.sum + 1}, {tail.seq - 1, tail.sum}, {0, 0}};
  size_t i;

  for (i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
    kv_position out = {-1, -1};
    int found = 0;

    sqlite3_memory_highwater(1);
    assert_rc(kv_reader_tail(reader, expected[i], &out, &found), SQLITE_OK);
    assert_int_equal(found, 1);
    assert_int_equal(out.seq, tail.seq);
    assert_true(out.sum == tail.sum);
    assert_true(sqlite3_memory_highwater(0) <
                sqlite3_memory_used() + LENGTH / 2);
  }
}

static void the_tail_is_found_without_its_value(void **state) {
  sqlite3 *host = test_connect(":memory:");
  int64_t seq;

  for (seq = 5; seq > 0; seq--) {
    const char *path = make_log(state);
    kv_verdict verdict = {KV_STATE_OK, NULL};
    kv_reader *reader = NULL;
    kv_position tail = {seq, 0};
    sqlite3 *log = test_connect(path);
    char *sum;

    test_run(log, "DELETE FROM log WHERE seq > %lld", seq);
    sum = test_ask(log, "SELECT sum FROM log WHERE seq = %lld", seq);
    tail.sum = strtoll(sum, NULL, 10);
    sqlite3_free(sum);
    kv_reader_open(host, path, NULL, &reader, &verdict);
    expect_tail(reader, tail);
    kv_reader_close(reader);
    kv_reader_on(host, log, "phone", &reader, &verdict);
    expect_tail(reader, tail);
    kv_reader_close(reader);
    test_run(log, "SELECT sum(length(value)) FROM log");
    test_disconnect(log);
  }
  test_disconnect(host);
}

/* Is there a last row? After SQL on the file; it may be loaded if there is. */
static int has_last(void **state, const char *text, int64_t seq) {
  sqlite3 *host = test_connect(":memory:");
  const char *path = make_log(state);
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  sqlite3_int64 used;
  kv_row row;
  int found;

  test_log_break(path, text);
  used = sqlite3_memory_used();
  sqlite3_memory_highwater(1);
  kv_reader_open(host, path, NULL, &reader, &verdict);
  assert_rc(kv_reader_last(reader, &row, &found), SQLITE_OK);
  if (found > 0) {
    assert_int_equal(row.seq, seq);
    if (seq != 3) assert_int_equal(row.value.n, LENGTH);
  } else {
    assert_true(sqlite3_memory_highwater(0) < used + LENGTH);
  }
  kv_reader_close(reader);
  test_disconnect(host);
  return found;
}

static void the_last_row_may_be_large(void **state) {
  assert_int_equal(has_last(state, "DELETE FROM log WHERE seq > 4", 4), 1);
  assert_int_equal(has_last(state, "DELETE FROM log WHERE seq > 3", 3), 1);
  assert_int_equal(has_last(state, "DELETE FROM log WHERE seq <> 2", 2), -1);
  assert_int_equal(has_last(state,
                            "DELETE FROM log WHERE seq > 2;"
                            "UPDATE log SET value = value || 'x' "
                            "WHERE seq = 2",
                            2),
                   -1);
}

static void a_large_row_without_a_sum_has_none(void **state) {
  sqlite3 *host = test_connect(":memory:");
  const char *path = make_log(state);
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  int64_t sum;
  int found;

  test_log_break(path, "UPDATE log SET sum = 'x' WHERE seq = 2");
  kv_reader_open(host, path, NULL, &reader, &verdict);
  assert_rc(kv_reader_sum_at(reader, 2, &sum, &found), SQLITE_OK);
  assert_int_equal(found, 0);
  assert_rc(kv_reader_sum_at(reader, 4, &sum, &found), SQLITE_OK);
  assert_int_equal(found, 1);
  kv_reader_close(reader);
  test_disconnect(host);
}

static int stop(void *unused) {
  (void)unused;
  return 1;
}

/* A row so large that the host is asked in its middle; another one ends it. */
static const char *make_huge(void **state) {
  const char *path = test_path("%s/log.db", *state);
  size_t n = 20 << 20;
  char *bytes = sqlite3_malloc64(n);
  test_log log;

  memset(bytes, 'x', n);
  test_log_begin(&log, path, "phone", 1);
  test_log_set(&log, TEST_NOW, "a", "1", 0);
  log.row.value = test_blob(bytes, n);
  log.row.txn = log.row.seq + 1;
  test_log_write(&log);
  log.row.value = test_blob(bytes, LENGTH);
  log.row.txn = log.row.seq + 1;
  test_log_write(&log);
  test_log_end(&log);
  sqlite3_free(bytes);
  return path;
}

static void the_host_may_stop_in_the_middle_of_one(void **state) {
  sqlite3 *host = test_connect(":memory:");
  const char *path = make_huge(state);
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_position second = {2, 7};
  kv_reader *reader = NULL;
  kv_larges *list = NULL;
  sqlite3_stmt *poll = NULL;
  kv_stretch stretch;
  kv_position base;
  kv_row row;
  int has;
  int keep;

  kv_stmt_prepare(host, KV_SQL_POLL, &poll);
  kv_reader_open(host, path, NULL, &reader, &verdict);
  base = kv_reader_head(reader)->base;
  for (keep = 0; keep < 2; keep++) {
    kv_larges *larges = kv_larges_get(&list, "phone");

    if (keep) kv_reader_keep(reader, larges, 0, poll);
    sqlite3_progress_handler(host, 1, stop, NULL);
    assert_rc(kv_reader_verify(reader, base, INT64_MAX, poll, &stretch),
              SQLITE_INTERRUPT);
    if (keep) {
      assert_non_null(larges->rows); /* how far it came */
      assert_rc(kv_reader_keep(reader, larges, 0, poll), SQLITE_INTERRUPT);
    }
    sqlite3_progress_handler(host, 0, NULL, NULL);
    if (keep) {
      assert_rc(kv_reader_keep(reader, larges, 0, poll), SQLITE_OK);
      /* And while it is loaded, being known to be right. */
      sqlite3_progress_handler(host, 1, stop, NULL);
      assert_rc(kv_reader_verify(reader, base, INT64_MAX, poll, &stretch),
                SQLITE_INTERRUPT);
      assert_int_equal(kv_reader_position(reader).seq, 1);
      sqlite3_progress_handler(host, 0, NULL, NULL);
    }
    assert_rc(kv_reader_verify(reader, base, INT64_MAX, poll, &stretch),
              SQLITE_OK);
    assert_true(stretch.is_clean);
    assert_int_equal(stretch.n_rows, 3);
  }
  sqlite3_progress_handler(host, 1, stop, NULL);
  assert_rc(kv_reader_has(reader, second, &has), SQLITE_INTERRUPT);
  kv_larges_clear(kv_larges_get(&list, "phone")); /* from its beginning */
  assert_rc(kv_reader_last(reader, &row, &has), SQLITE_INTERRUPT);
  sqlite3_progress_handler(host, 0, NULL, NULL);
  assert_rc(kv_reader_last(reader, &row, &has), SQLITE_OK);
  assert_int_equal(has, 1);
  assert_rc(kv_reader_has(reader, second, &has), SQLITE_OK);
  assert_int_equal(has, 0);
  sqlite3_finalize(poll);
  kv_reader_close(reader);
  kv_larges_forget(&list, NULL);
  test_disconnect(host);
}

static void what_is_known_of_another_row_is_forgotten(void **state) {
  sqlite3 *host = test_connect(":memory:");
  const char *path = make_log(state);
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_position second = {2, 7};
  kv_reader *reader = NULL;
  kv_larges *list = NULL;
  kv_larges *larges = kv_larges_get(&list, "phone");
  int has;

  kv_reader_open(host, path, NULL, &reader, &verdict);
  assert_rc(kv_reader_keep(reader, larges, 1, NULL), SQLITE_OK);
  assert_rc(kv_reader_has(reader, second, &has), SQLITE_OK);
  assert_non_null(kv_reader_left(reader)); /* on the way to its sum */
  kv_reader_close(reader);
  kv_larges_trim(larges);
  assert_non_null(larges->rows);

  test_log_break(path, "UPDATE log SET ts = ts + 1 WHERE seq = 2");
  kv_reader_open(host, path, NULL, &reader, &verdict);
  assert_rc(kv_reader_keep(reader, larges, 1, NULL), SQLITE_OK);
  assert_null(kv_reader_left(reader));
  kv_reader_close(reader);
  kv_larges_trim(larges);
  assert_null(larges->rows);
  kv_larges_forget(&list, NULL);
  test_disconnect(host);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(large_values_are_read_like_others),
    test_in_folder(what_does_not_verify_is_not_loaded),
    test_in_folder(a_value_over_the_limit_of_the_host_is_told),
    test_in_folder(the_last_row_may_be_large),
    test_in_folder(the_tail_is_found_without_its_value),
    test_in_folder(a_large_row_without_a_sum_has_none),
    test_in_folder(the_host_may_stop_in_the_middle_of_one),
    test_in_folder(what_is_known_of_another_row_is_forgotten),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
