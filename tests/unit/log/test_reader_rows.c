/*
** Whatever a file holds, reading it ends, and yields no wrong row.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "log/reader.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"
#include "support/rc.h"

/* Verify a whole file; "keys up to the end: reason". */
static const char *verified(const char *path) {
  static char out[500];
  sqlite3 *host = test_connect(":memory:");
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  const kv_row *row;
  const char *reason;
  kv_stretch stretch;
  size_t n = 0;

  assert_rc(kv_reader_open(host, path, NULL, &reader, &verdict), SQLITE_OK);
  assert_non_null(reader);
  assert_rc(kv_reader_verify(reader, kv_reader_head(reader)->base, INT64_MAX,
                             NULL, &stretch),
            SQLITE_OK);
  assert_int_equal(stretch.ended == KV_END_CLEAN, stretch.reason == NULL);
  assert_rc(
    kv_reader_start(reader, kv_reader_head(reader)->base, stretch.end.seq),
    SQLITE_OK);
  out[0] = '\0';
  while (kv_reader_next(reader, &row, &reason) == SQLITE_ROW) {
    sqlite3_snprintf((int)(sizeof(out) - n), out + n, "%.*s", (int)row->key.n,
                     row->key.z);
    n += strlen(out + n);
  }
  assert_null(reason);
  sqlite3_snprintf((int)(sizeof(out) - n), out + n, ":%s",
                   stretch.reason ? stretch.reason : "");
  kv_reader_close(reader);
  test_disconnect(host);
  return out;
}

static const char *verified_after(void **state, const char *text) {
  const char *path = test_log_make(*state);
  const char *out;

  test_log_break(path, text);
  out = verified(path);
  test_remove(path);
  return out;
}

static void a_good_log_is_read_whole(void **state) {
  assert_string_equal(verified(test_log_make(*state)), "abcd:");
}

static void a_changed_row_ends_the_reading(void **state) {
  assert_string_equal(verified_after(state, "UPDATE log SET value = '9' "
                                            "WHERE seq = 3"),
                      "a:its checksum does not match");
  assert_string_equal(verified_after(state, "UPDATE log SET ts = ts + 1 "
                                            "WHERE seq = 1"),
                      ":its checksum does not match");
  assert_string_equal(verified_after(state, "UPDATE log SET value = x'31' "
                                            "WHERE seq = 1"),
                      ":its checksum does not match");
  assert_string_equal(verified_after(state, "UPDATE log SET bucket = 'b' "
                                            "WHERE seq = 1"),
                      ":its checksum does not match");
  assert_string_equal(verified_after(state, "UPDATE log SET parent_ts = 0 "
                                            "WHERE seq = 1"),
                      ":its checksum does not match");
}

static void rows_follow_one_another(void **state) {
  assert_string_equal(verified_after(state, "DELETE FROM log WHERE seq = 1"),
                      ":its sequence number is not the next one");
  assert_string_equal(verified_after(state, "UPDATE log SET seq = 9 "
                                            "WHERE seq = 4"),
                      "abc:its sequence number is not the next one");
}

static void columns_have_their_types(void **state) {
  static const char reason[] = ":a column has a value of another type";

  assert_string_equal(verified_after(state, "UPDATE log SET sum = 'x' "
                                            "WHERE seq = 1"),
                      reason);
  assert_string_equal(verified_after(state, "UPDATE log SET ts = x'00' "
                                            "WHERE seq = 1"),
                      reason);
  assert_string_equal(verified_after(state, "UPDATE log SET txn = 1.5 "
                                            "WHERE seq = 1"),
                      reason);
  assert_string_equal(verified_after(state, "UPDATE log SET op = 'set' "
                                            "WHERE seq = 1"),
                      reason);
}

static void an_op_that_does_not_fit_an_int_is_refused(void **state) {
  assert_string_equal(verified_after(state, "UPDATE log SET op = 4294967297 "
                                            "WHERE seq = 1"),
                      ":its operation is unknown");
}

static void half_a_transaction_is_not_read(void **state) {
  assert_string_equal(verified_after(state, "DELETE FROM log WHERE seq > 2"),
                      "a:its last transaction is incomplete");
  assert_string_equal(verified_after(state, "DELETE FROM log WHERE seq > 3"),
                      "abc:");
}

static void a_verified_stretch_is_counted(void **state) {
  const char *path = test_path("%s/log.db", *state);
  sqlite3 *host = test_connect(":memory:");
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  kv_stretch stretch;
  test_log log;

  test_log_begin(&log, path, "phone", 1);
  log.row.txn = 2;
  log.row.ts = TEST_NOW;
  log.row.op = KV_OP_SEEN;
  log.row.parent_ts = test_integer(5);
  log.row.bucket = test_text("laptop");
  log.row.key = test_blob("0123456789abcdef", KV_ID_SIZE);
  log.row.value = test_integer(3);
  test_log_write(&log);
  test_log_set(&log, TEST_NOW, "a", "1", 0);
  test_log_set(&log, TEST_NOW + 1000, "b", "1", 0);
  test_log_end(&log);

  assert_rc(kv_reader_open(host, path, NULL, &reader, &verdict), SQLITE_OK);
  assert_rc(kv_reader_verify(reader, kv_reader_head(reader)->base,
                             TEST_NOW + 999, NULL, &stretch),
            SQLITE_OK);
  assert_int_equal(stretch.ended, KV_END_CLEAN);
  assert_int_equal(stretch.n_rows, 2);
  assert_int_equal(stretch.n_seen, 1);
  assert_int_equal(stretch.end.seq, 3);
  assert_true(stretch.end.sum == log.row.sum);
  assert_int_equal(stretch.last_ts, TEST_NOW + 1000);
  assert_int_equal(stretch.counted_ts, TEST_NOW);

  assert_rc(kv_reader_verify(reader, stretch.end, INT64_MAX, NULL, &stretch),
            SQLITE_OK);
  assert_int_equal(stretch.ended, KV_END_CLEAN);
  assert_int_equal(stretch.n_rows, 0);
  assert_int_equal(stretch.end.seq, 3);
  assert_int_equal(stretch.last_ts, -1);
  kv_reader_close(reader);
  test_disconnect(host);
}

static void reading_continues_only_after_a_known_row(void **state) {
  sqlite3 *host = test_connect(":memory:");
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  kv_position at = {3, 0};
  const kv_row *row;
  const char *reason;
  int found;

  assert_rc(
    kv_reader_open(host, test_log_make(*state), NULL, &reader, &verdict),
    SQLITE_OK);
  assert_rc(kv_reader_sum_at(reader, 3, &at.sum, &found), SQLITE_OK);
  assert_true(found);
  assert_rc(kv_reader_start(reader, at, INT64_MAX), SQLITE_OK);
  assert_rc(kv_reader_next(reader, &row, &reason), SQLITE_ROW);
  assert_int_equal(row->seq, 4);
  assert_int_equal(row->op, KV_OP_DELETE);
  assert_int_equal(kv_reader_position(reader).seq, 4);
  assert_rc(kv_reader_next(reader, &row, &reason), SQLITE_DONE);
  assert_null(reason);

  at.sum++;
  assert_rc(kv_reader_start(reader, at, INT64_MAX), SQLITE_OK);
  assert_rc(kv_reader_next(reader, &row, &reason), SQLITE_DONE);
  assert_string_equal(reason, "its checksum does not match");
  assert_int_equal(kv_reader_position(reader).seq, 3);
  kv_reader_close(reader);
  test_disconnect(host);
}

static void sums_are_found_where_rows_are(void **state) {
  sqlite3 *host = test_connect(":memory:");
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  kv_row row;
  int64_t sum;
  int found;

  assert_rc(
    kv_reader_open(host, test_log_make(*state), NULL, &reader, &verdict),
    SQLITE_OK);
  assert_rc(kv_reader_sum_at(reader, 0, &sum, &found), SQLITE_OK);
  assert_true(found);
  assert_true(sum == kv_reader_head(reader)->base.sum);
  assert_rc(kv_reader_sum_at(reader, 5, &sum, &found), SQLITE_OK);
  assert_false(found);
  assert_rc(kv_reader_last(reader, &row, &found), SQLITE_OK);
  assert_int_equal(found, 1);
  assert_int_equal(row.seq, 4);
  assert_memory_equal(row.key.z, "d", 1);
  kv_reader_close(reader);
  test_disconnect(host);
}

static void an_empty_log_has_no_last_row(void **state) {
  const char *path = test_log_make(*state);
  sqlite3 *host = test_connect(":memory:");
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  kv_row row;
  int found;

  test_log_break(path, "DELETE FROM log");
  assert_string_equal(verified(path), ":");
  assert_rc(kv_reader_open(host, path, NULL, &reader, &verdict), SQLITE_OK);
  assert_rc(kv_reader_last(reader, &row, &found), SQLITE_OK);
  assert_int_equal(found, 0);
  kv_reader_close(reader);
  test_disconnect(host);
}

static void a_value_over_the_hosts_limit_ends_the_reading(void **state) {
  const char *path = test_path("%s/log.db", *state);
  sqlite3 *host = test_connect(":memory:");
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  kv_stretch stretch;
  char large[2000];
  test_log log;

  memset(large, 'x', sizeof(large));
  large[sizeof(large) - 1] = '\0';
  test_log_begin(&log, path, "phone", 1);
  test_log_set(&log, TEST_NOW, "a", "1", 0);
  test_log_set(&log, TEST_NOW, "b", large, 0);
  test_log_end(&log);
  sqlite3_limit(host, SQLITE_LIMIT_LENGTH, 1500);
  assert_rc(kv_reader_open(host, path, NULL, &reader, &verdict), SQLITE_OK);
  assert_rc(kv_reader_verify(reader, kv_reader_head(reader)->base, INT64_MAX,
                             NULL, &stretch),
            SQLITE_OK);
  assert_int_equal(stretch.end.seq, 1);
  assert_int_equal(stretch.ended, KV_END_LIMITED);
  kv_reader_close(reader);
  test_disconnect(host);
}

static void an_interrupt_of_the_host_stops_the_reading(void **state) {
  const char *path = test_path("%s/log.db", *state);
  sqlite3 *host = test_connect(":memory:");
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  sqlite3_stmt *busy = NULL;
  sqlite3_stmt *poll = NULL;
  kv_stretch stretch;
  test_log log;
  int i;

  test_log_begin(&log, path, "phone", 1);
  test_run(log.db, "BEGIN");
  for (i = 0; i < 5000; i++)
    test_log_set(&log, TEST_NOW + i, "a", "1", 0);
  test_run(log.db, "COMMIT");
  test_log_end(&log);
  assert_rc(kv_reader_open(host, path, NULL, &reader, &verdict), SQLITE_OK);
  /* an interrupt lasts as long as another statement runs */
  sqlite3_prepare_v2(host, "VALUES(1), (2)", -1, &busy, NULL);
  sqlite3_prepare_v2(host, "SELECT 1", -1, &poll, NULL);
  assert_rc(sqlite3_step(busy), SQLITE_ROW);
  sqlite3_interrupt(host);
  assert_rc(kv_reader_verify(reader, kv_reader_head(reader)->base, INT64_MAX,
                             poll, &stretch),
            SQLITE_INTERRUPT);
  sqlite3_finalize(busy);
  sqlite3_finalize(poll);
  kv_reader_close(reader);
  test_disconnect(host);
}

/* One changed byte, anywhere: never a wrong row, never an error. */
static void any_changed_byte_is_noticed_or_harmless(void **state) {
  const char *path = test_log_make(*state);
  const char *other = test_path("%s/other.db", *state);
  sqlite3 *host = test_connect(":memory:");
  unsigned char *bytes;
  size_t n;
  size_t i;

  bytes = test_read(path, &n);
  for (i = 0; i < n; i += i < 200 || i % 4096 > 3400 ? 1 : 61) {
    kv_verdict verdict = {KV_STATE_OK, NULL};
    kv_reader *reader = NULL;
    const kv_row *row;
    const char *reason = NULL;
    kv_row last;
    int64_t seq = 0;
    int found;
    int rc;

    bytes[i] ^= 0x15;
    test_write(other, bytes, n);
    bytes[i] ^= 0x15;
    assert_rc(kv_reader_open(host, other, "phone", &reader, &verdict),
              SQLITE_OK);
    if (reader) {
      assert_rc(kv_reader_last(reader, &last, &found), SQLITE_OK);
      assert_rc(
        kv_reader_start(reader, kv_reader_head(reader)->base, INT64_MAX),
        SQLITE_OK);
      while ((rc = kv_reader_next(reader, &row, &reason)) == SQLITE_ROW) {
        seq++;
        assert_int_equal(row->seq, seq);
        assert_int_equal(row->key.n, 1);
        assert_int_equal(((const char *)row->key.z)[0], 'a' + seq - 1);
      }
      assert_rc(rc, SQLITE_DONE);
    }
    kv_reader_close(reader);
    kv_verdict_clear(&verdict);
  }
  sqlite3_free(bytes);
  test_disconnect(host);
}

static void nothing_beside_the_file_is_created_or_changed(void **state) {
  const char *path = test_log_make(*state);
  size_t n;
  unsigned char *before = test_read(path, &n);

  test_write(test_path("%s-journal", path), "junk", 4);
  assert_string_equal(verified(path), "abcd:");
  test_is_kept(path, before, n);
  assert_true(test_exists(test_path("%s-journal", path)));
  assert_false(test_exists(test_path("%s-wal", path)));
  assert_false(test_exists(test_path("%s-shm", path)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(a_good_log_is_read_whole),
    test_in_folder(a_changed_row_ends_the_reading),
    test_in_folder(rows_follow_one_another),
    test_in_folder(columns_have_their_types),
    test_in_folder(an_op_that_does_not_fit_an_int_is_refused),
    test_in_folder(half_a_transaction_is_not_read),
    test_in_folder(a_verified_stretch_is_counted),
    test_in_folder(reading_continues_only_after_a_known_row),
    test_in_folder(sums_are_found_where_rows_are),
    test_in_folder(an_empty_log_has_no_last_row),
    test_in_folder(a_value_over_the_hosts_limit_ends_the_reading),
    test_in_folder(an_interrupt_of_the_host_stops_the_reading),
    test_in_folder(any_changed_byte_is_noticed_or_harmless),
    test_in_folder(nothing_beside_the_file_is_created_or_changed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
