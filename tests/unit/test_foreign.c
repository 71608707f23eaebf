/*
** Whatever a file holds, reading it ends, and yields no wrong row.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "store/error.h"
#include "store/foreign.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"

#define test(f)                                                                \
  cmocka_unit_test_setup_teardown(f, test_files_setup, test_files_teardown)

/* Three transactions: a | b, c | d. */
static const char *make_log(void **state) {
  const char *path = test_path("%s/log.db", *state);
  test_log log;

  test_log_begin(&log, path, "phone", 1);
  test_log_set(&log, TEST_NOW, "a", "1", 0);
  test_log_set(&log, TEST_NOW + 10, "b", "2", 1);
  test_log_set(&log, TEST_NOW + 10, "c", "3", 0);
  test_log_set(&log, TEST_NOW + 20, "d", NULL, 0);
  test_log_end(&log);
  return path;
}

/* The state that opening a file gives; its detail is in `detail`. */
static char detail[500];

static kv_state open_state(const char *path, const char *device) {
  sqlite3 *host = test_connect(":memory:");
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  kv_state state;

  assert_int_equal(kv_reader_open(host, path, device, &reader, &verdict),
                   SQLITE_OK);
  state = verdict.state;
  assert_int_equal(reader != NULL, state == KV_STATE_OK);
  sqlite3_snprintf(sizeof(detail), detail, "%s",
                   verdict.detail ? verdict.detail : "");
  kv_verdict_clear(&verdict);
  kv_reader_close(reader);
  test_disconnect(host);
  return state;
}

static kv_state broken(void **state, const char *text) {
  const char *path = make_log(state);

  test_log_break(path, text);
  return open_state(path, "phone");
}

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

  assert_int_equal(kv_reader_open(host, path, NULL, &reader, &verdict),
                   SQLITE_OK);
  assert_non_null(reader);
  assert_int_equal(kv_reader_verify(reader, kv_reader_head(reader)->base,
                                    INT64_MAX, NULL, &stretch),
                   SQLITE_OK);
  assert_int_equal(stretch.is_clean, stretch.reason == NULL);
  assert_int_equal(
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
  const char *path = make_log(state);
  const char *out;

  test_log_break(path, text);
  out = verified(path);
  test_remove(path);
  return out;
}

static void a_good_log_is_read_whole(void **state) {
  const char *path = make_log(state);

  assert_int_equal(open_state(path, "phone"), KV_STATE_OK);
  assert_int_equal(open_state(path, NULL), KV_STATE_OK);
  assert_string_equal(verified(path), "abcd:");
}

static void the_head_says_whose_log_it_is(void **state) {
  sqlite3 *host = test_connect(":memory:");
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  const kv_log_head *head;
  unsigned char id[KV_ID_SIZE];

  memset(id, 1, sizeof(id));
  assert_int_equal(
    kv_reader_open(host, make_log(state), "phone", &reader, &verdict),
    SQLITE_OK);
  head = kv_reader_head(reader);
  assert_string_equal(head->name, "phone");
  assert_memory_equal(head->id, id, KV_ID_SIZE);
  assert_int_equal(head->base.seq, 0);
  assert_true(head->base.sum == kv_row_base_sum("phone", 5, id));
  kv_reader_close(reader);
  test_disconnect(host);
}

static void what_is_not_here_yet_is_waited_for(void **state) {
  const char *path = make_log(state);
  unsigned char zeros[4096] = {0};

  test_truncate(path, 8192);
  assert_int_equal(open_state(path, "phone"), KV_STATE_WAITING);
  assert_string_equal(detail, "8192 of 12288 bytes are here; it is read when "
                              "the rest arrives");
  test_truncate(path, 99);
  assert_int_equal(open_state(path, "phone"), KV_STATE_WAITING);
  test_truncate(path, 0);
  assert_int_equal(open_state(path, "phone"), KV_STATE_WAITING);
  test_write(path, zeros, sizeof(zeros));
  assert_int_equal(open_state(path, "phone"), KV_STATE_WAITING);
}

static void other_files_are_strangers(void **state) {
  const char *path = make_log(state);
  char text[200];

  memset(text, 'x', sizeof(text));
  test_set_byte(path, 0, 's');
  assert_int_equal(open_state(path, "phone"), KV_STATE_STRANGER);
  test_write(path, text, sizeof(text));
  assert_int_equal(open_state(path, "phone"), KV_STATE_STRANGER);
  test_remove(path);
  assert_int_equal(broken(state, "PRAGMA application_id = 5"),
                   KV_STATE_STRANGER);
  test_remove(path);
  make_log(state);
  assert_int_equal(open_state(path, "laptop"), KV_STATE_STRANGER);
  assert_string_equal(detail, "is the log of device phone");
}

static void a_log_is_never_in_wal_mode(void **state) {
  const char *path = make_log(state);

  test_set_byte(path, 18, 2);
  test_set_byte(path, 19, 2);
  assert_int_equal(open_state(path, "phone"), KV_STATE_STRANGER);
  assert_non_null(strstr(detail, "WAL"));
}

static void a_newer_format_is_not_guessed_at(void **state) {
  assert_int_equal(broken(state, "PRAGMA user_version = 2"), KV_STATE_NEWER);
  assert_non_null(strstr(detail, "format version 2"));
  test_remove(test_path("%s/log.db", *state));
  assert_int_equal(broken(state, "PRAGMA user_version = 0"), KV_STATE_NEWER);
}

static void the_schema_is_ours_to_the_byte(void **state) {
  static const char *const texts[] = {
    "CREATE TABLE more(x)",
    "CREATE INDEX i ON log(ts)",
    "CREATE VIEW v AS SELECT 1",
    "CREATE TRIGGER t AFTER INSERT ON log BEGIN SELECT 1; END",
    "DROP TABLE log",
    "ALTER TABLE log ADD COLUMN more",
    "ALTER TABLE device RENAME TO devices",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = sql || ' '",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = "
    "replace(sql, 'ts INTEGER', 'ts TEXT   ')",
    "PRAGMA writable_schema = ON; DELETE FROM sqlite_master "
    "WHERE name = 'device'"};
  size_t i;

  for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    assert_int_equal(broken(state, texts[i]), KV_STATE_STRANGER);
    test_remove(test_path("%s/log.db", *state));
  }
}

static void a_device_has_one_valid_row(void **state) {
  static const char *const texts[] = {
    "DELETE FROM device",
    "INSERT INTO device SELECT * FROM device",
    "UPDATE device SET name = 'a/b'",
    "UPDATE device SET name = NULL",
    "UPDATE device SET name = 'phone' || char(0)",
    "UPDATE device SET id = NULL",
    "UPDATE device SET id = x'00'",
    "UPDATE device SET id = zeroblob(16)",
    "UPDATE device SET base_seq = -1",
    "UPDATE device SET base_seq = 'x'",
    "UPDATE device SET base_sum = NULL",
    "UPDATE device SET base_sum = base_sum + 1"};
  size_t i;

  for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    assert_int_equal(broken(state, texts[i]), KV_STATE_DAMAGED);
    test_remove(test_path("%s/log.db", *state));
  }
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

static void an_op_that_does_not_fit_an_int_is_none(void **state) {
  assert_string_equal(verified_after(state, "UPDATE log SET op = 4294967297 "
                                            "WHERE seq = 1"),
                      ":its operation is unknown");
}

static void half_a_transaction_is_not_read(void **state) {
  assert_string_equal(verified_after(state, "DELETE FROM log WHERE seq > 2"),
                      "a:its last transaction is not whole");
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

  assert_int_equal(kv_reader_open(host, path, NULL, &reader, &verdict),
                   SQLITE_OK);
  assert_int_equal(kv_reader_verify(reader, kv_reader_head(reader)->base,
                                    TEST_NOW + 999, NULL, &stretch),
                   SQLITE_OK);
  assert_true(stretch.is_clean);
  assert_int_equal(stretch.n_rows, 2);
  assert_int_equal(stretch.n_seen, 1);
  assert_int_equal(stretch.end.seq, 3);
  assert_true(stretch.end.sum == log.row.sum);
  assert_int_equal(stretch.last_ts, TEST_NOW + 1000);
  assert_int_equal(stretch.counted_ts, TEST_NOW);

  assert_int_equal(
    kv_reader_verify(reader, stretch.end, INT64_MAX, NULL, &stretch),
    SQLITE_OK);
  assert_true(stretch.is_clean);
  assert_int_equal(stretch.n_rows, 0);
  assert_int_equal(stretch.end.seq, 3);
  assert_int_equal(stretch.last_ts, -1);
  kv_reader_close(reader);
  test_disconnect(host);
}

static void reading_goes_on_behind_a_known_row_only(void **state) {
  sqlite3 *host = test_connect(":memory:");
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  kv_position at = {3, 0};
  const kv_row *row;
  const char *reason;
  int found;

  assert_int_equal(
    kv_reader_open(host, make_log(state), NULL, &reader, &verdict), SQLITE_OK);
  assert_int_equal(kv_reader_sum_at(reader, 3, &at.sum, &found), SQLITE_OK);
  assert_true(found);
  assert_int_equal(kv_reader_start(reader, at, INT64_MAX), SQLITE_OK);
  assert_int_equal(kv_reader_next(reader, &row, &reason), SQLITE_ROW);
  assert_int_equal(row->seq, 4);
  assert_int_equal(row->op, KV_OP_DELETE);
  assert_int_equal(kv_reader_position(reader).seq, 4);
  assert_int_equal(kv_reader_next(reader, &row, &reason), SQLITE_DONE);
  assert_null(reason);

  at.sum++;
  assert_int_equal(kv_reader_start(reader, at, INT64_MAX), SQLITE_OK);
  assert_int_equal(kv_reader_next(reader, &row, &reason), SQLITE_DONE);
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

  assert_int_equal(
    kv_reader_open(host, make_log(state), NULL, &reader, &verdict), SQLITE_OK);
  assert_int_equal(kv_reader_sum_at(reader, 0, &sum, &found), SQLITE_OK);
  assert_true(found);
  assert_true(sum == kv_reader_head(reader)->base.sum);
  assert_int_equal(kv_reader_sum_at(reader, 5, &sum, &found), SQLITE_OK);
  assert_false(found);
  assert_int_equal(kv_reader_last(reader, &row, &found), SQLITE_OK);
  assert_int_equal(found, 1);
  assert_int_equal(row.seq, 4);
  assert_memory_equal(row.key.z, "d", 1);
  kv_reader_close(reader);
  test_disconnect(host);
}

static void an_empty_log_has_no_last_row(void **state) {
  const char *path = make_log(state);
  sqlite3 *host = test_connect(":memory:");
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  kv_row row;
  int found;

  test_log_break(path, "DELETE FROM log");
  assert_string_equal(verified(path), ":");
  assert_int_equal(kv_reader_open(host, path, NULL, &reader, &verdict),
                   SQLITE_OK);
  assert_int_equal(kv_reader_last(reader, &row, &found), SQLITE_OK);
  assert_int_equal(found, 0);
  kv_reader_close(reader);
  test_disconnect(host);
}

static void a_value_over_the_limit_of_the_host_ends_it(void **state) {
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
  assert_int_equal(kv_reader_open(host, path, NULL, &reader, &verdict),
                   SQLITE_OK);
  assert_int_equal(kv_reader_verify(reader, kv_reader_head(reader)->base,
                                    INT64_MAX, NULL, &stretch),
                   SQLITE_OK);
  assert_int_equal(stretch.end.seq, 1);
  assert_non_null(strstr(stretch.reason, "limit"));
  kv_reader_close(reader);
  test_disconnect(host);
}

static void an_interrupt_of_the_host_stops_it(void **state) {
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
  assert_int_equal(kv_reader_open(host, path, NULL, &reader, &verdict),
                   SQLITE_OK);
  /* an interrupt lasts as long as another statement runs */
  sqlite3_prepare_v2(host, "VALUES(1), (2)", -1, &busy, NULL);
  sqlite3_prepare_v2(host, "SELECT 1", -1, &poll, NULL);
  assert_int_equal(sqlite3_step(busy), SQLITE_ROW);
  sqlite3_interrupt(host);
  assert_int_equal(kv_reader_verify(reader, kv_reader_head(reader)->base,
                                    INT64_MAX, poll, &stretch),
                   SQLITE_INTERRUPT);
  sqlite3_finalize(busy);
  sqlite3_finalize(poll);
  kv_reader_close(reader);
  test_disconnect(host);
}

/* One changed byte, anywhere: never a wrong row, never an error. */
static void any_changed_byte_is_noticed_or_harmless(void **state) {
  const char *path = make_log(state);
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
    assert_int_equal(kv_reader_open(host, other, "phone", &reader, &verdict),
                     SQLITE_OK);
    if (reader) {
      assert_int_equal(kv_reader_last(reader, &last, &found), SQLITE_OK);
      assert_int_equal(
        kv_reader_start(reader, kv_reader_head(reader)->base, INT64_MAX),
        SQLITE_OK);
      while ((rc = kv_reader_next(reader, &row, &reason)) == SQLITE_ROW) {
        seq++;
        assert_int_equal(row->seq, seq);
        assert_int_equal(row->key.n, 1);
        assert_int_equal(((const char *)row->key.z)[0], 'a' + seq - 1);
      }
      assert_int_equal(rc, SQLITE_DONE);
    }
    kv_reader_close(reader);
    kv_verdict_clear(&verdict);
  }
  sqlite3_free(bytes);
  test_disconnect(host);
}

/* Cut off anywhere: what is there verifies, or the file is waited for. */
static void a_file_cut_off_anywhere_yields_whole_transactions(void **state) {
  const char *path = make_log(state);
  size_t n;
  size_t i;

  sqlite3_free(test_read(path, &n));
  for (i = n; i > 0; i -= i > 300 ? 256 : 1) {
    test_truncate(path, i - 1);
    assert_int_equal(open_state(path, "phone"), KV_STATE_WAITING);
  }
}

static void nothing_is_made_or_changed_beside_the_file(void **state) {
  const char *path = make_log(state);
  size_t n;
  size_t m;
  unsigned char *before = test_read(path, &n);
  unsigned char *after;

  test_write(test_path("%s-journal", path), "junk", 4);
  assert_string_equal(verified(path), "abcd:");
  after = test_read(path, &m);
  assert_int_equal(n, m);
  assert_memory_equal(before, after, n);
  assert_true(test_exists(test_path("%s-journal", path)));
  assert_false(test_exists(test_path("%s-wal", path)));
  assert_false(test_exists(test_path("%s-shm", path)));
  sqlite3_free(before);
  sqlite3_free(after);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(a_good_log_is_read_whole),
    test(the_head_says_whose_log_it_is),
    test(what_is_not_here_yet_is_waited_for),
    test(other_files_are_strangers),
    test(a_log_is_never_in_wal_mode),
    test(a_newer_format_is_not_guessed_at),
    test(the_schema_is_ours_to_the_byte),
    test(a_device_has_one_valid_row),
    test(a_changed_row_ends_the_reading),
    test(rows_follow_one_another),
    test(columns_have_their_types),
    test(an_op_that_does_not_fit_an_int_is_none),
    test(half_a_transaction_is_not_read),
    test(a_verified_stretch_is_counted),
    test(reading_goes_on_behind_a_known_row_only),
    test(sums_are_found_where_rows_are),
    test(an_empty_log_has_no_last_row),
    test(a_value_over_the_limit_of_the_host_ends_it),
    test(an_interrupt_of_the_host_stops_it),
    test(any_changed_byte_is_noticed_or_harmless),
    test(a_file_cut_off_anywhere_yields_whole_transactions),
    test(nothing_is_made_or_changed_beside_the_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
