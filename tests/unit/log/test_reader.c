/*
** Which files are accepted as logs, and what is said about the others.
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

/* The state that opening a file results in; its detail is in `detail`. */
static char detail[500];

static kv_state open_state(const char *path, const char *device) {
  sqlite3 *host = test_connect(":memory:");
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  kv_state state;

  assert_rc(kv_reader_open(host, path, device, &reader, &verdict), SQLITE_OK);
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
  const char *path = test_log_make(*state);

  test_log_break(path, text);
  return open_state(path, "phone");
}

static void a_good_log_is_opened(void **state) {
  const char *path = test_log_make(*state);

  assert_int_equal(open_state(path, "phone"), KV_STATE_OK);
  assert_int_equal(open_state(path, NULL), KV_STATE_OK);
}

static void the_head_says_whose_log_it_is(void **state) {
  sqlite3 *host = test_connect(":memory:");
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  const kv_log_head *head;
  unsigned char id[KV_ID_SIZE];

  memset(id, 1, sizeof(id));
  assert_rc(
    kv_reader_open(host, test_log_make(*state), "phone", &reader, &verdict),
    SQLITE_OK);
  head = kv_reader_head(reader);
  assert_string_equal(head->name, "phone");
  assert_memory_equal(head->id, id, KV_ID_SIZE);
  assert_int_equal(head->base.seq, 0);
  assert_true(head->base.sum == kv_row_base_sum("phone", 5, id));
  kv_reader_close(reader);
  test_disconnect(host);
}

static void a_file_that_is_not_here_yet_waits(void **state) {
  const char *path = test_log_make(*state);
  unsigned char zeros[4096] = {0};

  test_truncate(path, 8192);
  assert_int_equal(open_state(path, "phone"), KV_STATE_WAITING);
  assert_string_equal(
    detail,
    "8192 of 12288 bytes have arrived; it is read when the rest arrives");
  test_truncate(path, 99);
  assert_int_equal(open_state(path, "phone"), KV_STATE_WAITING);
  test_truncate(path, 0);
  assert_int_equal(open_state(path, "phone"), KV_STATE_WAITING);
  test_write(path, zeros, sizeof(zeros));
  assert_int_equal(open_state(path, "phone"), KV_STATE_WAITING);
}

static void a_file_cut_off_anywhere_waits(void **state) {
  const char *path = test_log_make(*state);
  size_t n;
  size_t i;

  sqlite3_free(test_read(path, &n));
  for (i = n; i > 0; i -= i > 300 ? 256 : 1) {
    test_truncate(path, i - 1);
    assert_int_equal(open_state(path, "phone"), KV_STATE_WAITING);
  }
}

static void other_files_are_strangers(void **state) {
  const char *path = test_log_make(*state);
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
  test_log_make(*state);
  assert_int_equal(open_state(path, "laptop"), KV_STATE_STRANGER);
  assert_string_equal(detail, "is the log of device phone");
}

static void a_log_is_never_in_wal_mode(void **state) {
  const char *path = test_log_make(*state);

  test_set_byte(path, 18, 2);
  test_set_byte(path, 19, 2);
  assert_int_equal(open_state(path, "phone"), KV_STATE_STRANGER);
  assert_non_null(strstr(detail, "WAL"));
}

static void a_log_is_never_in_utf16(void **state) {
  const char *path = test_log_make(*state);

  test_set_byte(path, 59, 2);
  assert_int_equal(open_state(path, "phone"), KV_STATE_STRANGER);
  assert_non_null(strstr(detail, "UTF-16"));
}

static void a_newer_format_is_not_guessed_at(void **state) {
  assert_int_equal(broken(state, "PRAGMA user_version = 3"), KV_STATE_NEWER);
  assert_non_null(strstr(detail, "format version 3"));
  test_remove(test_path("%s/log.db", *state));
  assert_int_equal(broken(state, "PRAGMA user_version = 1"), KV_STATE_STRANGER);
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

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(a_good_log_is_opened),
    test_in_folder(the_head_says_whose_log_it_is),
    test_in_folder(a_file_that_is_not_here_yet_waits),
    test_in_folder(a_file_cut_off_anywhere_waits),
    test_in_folder(other_files_are_strangers),
    test_in_folder(a_log_is_never_in_wal_mode),
    test_in_folder(a_log_is_never_in_utf16),
    test_in_folder(a_newer_format_is_not_guessed_at),
    test_in_folder(the_schema_is_ours_to_the_byte),
    test_in_folder(a_device_has_one_valid_row),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
