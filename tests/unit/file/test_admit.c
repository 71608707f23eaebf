#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/handle.h"
#include "file/admit.h"
#include "file/confine.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"
#include "support/rc.h"

static sqlite3 *host;
static kv_log_head head;
static kv_verdict verdict;
static kv_work work;

static int setup(void **state) {
  host = test_connect(":memory:");
  return test_files_setup(state);
}

static int teardown(void **state) {
  kv_verdict_clear(&verdict);
  test_disconnect(host);
  return test_files_teardown(state);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/*
** Judge a file and return its state. Sets head, verdict and the work that is
** left.
*/
static kv_state admit(const char *path, const char *device) {
  sqlite3 *handle = NULL;

  memset(&head, 0, sizeof(head));
  kv_verdict_clear(&verdict);
  work = KV_WORK_ADMIT;
  assert_rc(kv_handle_read(host, path, &handle), SQLITE_OK);
  assert_rc(kv_confine(handle, &work), SQLITE_OK);
  assert_rc(kv_admit(handle, device, &head, &verdict), SQLITE_OK);
  assert_rc(sqlite3_close(handle), SQLITE_OK);
  return verdict.state;
}

/* Its state, and a part of the sentence that says why. */
#define expect(path, device, expected, sentence)                               \
  do {                                                                         \
    assert_int_equal(admit(path, device), expected);                           \
    assert_non_null(verdict.detail);                                           \
    assert_non_null(strstr(verdict.detail, sentence));                         \
  } while (0)

static void a_log_is_admitted_with_its_device_row(void **state) {
  const char *path = test_log_make(*state);
  unsigned char id[KV_ID_SIZE];

  memset(id, 1, sizeof(id));
  test_log_break(path, "UPDATE device SET host = '0123456789abcdef'");
  assert_int_equal(admit(path, "phone"), KV_STATE_OK);
  assert_null(verdict.detail);
  assert_string_equal(head.name, "phone");
  assert_string_equal(head.host, "0123456789abcdef");
  assert_memory_equal(head.id, id, KV_ID_SIZE);
  assert_int_equal(head.base.seq, 0);
  assert_true(head.base.sum == kv_row_base_sum("phone", 5, id));
  assert_int_equal(head.end, 0);
}

static void the_log_of_another_device_is_a_stranger(void **state) {
  const char *path = test_log_make(*state);

  expect(path, "laptop", KV_STATE_STRANGER, "is the log of device phone");
  assert_int_equal(admit(path, NULL), KV_STATE_OK);
}

static void an_incomplete_file_waits_for_the_rest(void **state) {
  static const char zeros[5000];
  const char *path = test_log_make(*state);
  const char *part = test_path("%s/part.db", *state);
  unsigned char *bytes;
  size_t n;

  bytes = test_read(path, &n);
  test_write(part, bytes, 99);
  expect(part, "phone", KV_STATE_WAITING, "only 99 bytes");
  test_write(part, bytes, n - 1);
  expect(part, "phone", KV_STATE_WAITING, "bytes have arrived");
  test_write(part, zeros, sizeof(zeros));
  expect(part, "phone", KV_STATE_WAITING, "begins with zeros");
  test_write(part, bytes, n);
  assert_int_equal(admit(part, "phone"), KV_STATE_OK);
  assert_int_equal(head.end, 0);
  /* Bytes after the end that its header promises are noted. */
  test_truncate(part, n + 4096);
  assert_int_equal(admit(part, "phone"), KV_STATE_OK);
  assert_int_equal(head.end, (int64_t)n);
  sqlite3_free(bytes);
}

static void the_header_refuses_before_anything_else_is_read(void **state) {
  static const struct {
    size_t at;
    unsigned char byte;
    kv_state state;
    const char *sentence;
  } headers[] = {
    {0, 's', KV_STATE_STRANGER, "is not a log of this store"},
    {71, 0, KV_STATE_STRANGER, "is not a log of this store"},
    {63, KV_FORMAT + 1, KV_STATE_NEWER, "has format version 3"},
    {63, 1, KV_STATE_STRANGER, "is of format 1, of an unreleased version"},
    {18, 2, KV_STATE_STRANGER, "WAL"},
    {59, 2, KV_STATE_STRANGER, "UTF-16"},
  };
  const char *path = test_log_make(*state);
  const char *other = test_path("%s/other.db", *state);
  size_t i;

  for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
    test_copy(path, other);
    test_set_byte(other, headers[i].at, headers[i].byte);
    expect(other, "phone", headers[i].state, headers[i].sentence);
    assert_int_equal(KV_WORK_ADMIT.reads - work.reads, 1);
  }
}

static void the_tables_and_the_device_row_have_to_be_those_of_a_log(void **s) {
  static const struct {
    const char *change;
    kv_state state;
    const char *sentence;
  } changes[] = {
    {"CREATE TABLE more(x)", KV_STATE_STRANGER, "the tables of a log"},
    {"CREATE INDEX i ON log(ts)", KV_STATE_STRANGER, "the tables of a log"},
    {"ALTER TABLE log ADD COLUMN x", KV_STATE_STRANGER, "the tables of a log"},
    {"DROP TABLE device", KV_STATE_STRANGER, "the tables of a log"},
    {"DELETE FROM device", KV_STATE_DAMAGED, "no valid device row"},
    {"INSERT INTO device SELECT * FROM device", KV_STATE_DAMAGED,
     "no valid device row"},
    {"UPDATE device SET id = x'01'", KV_STATE_DAMAGED, "no valid device row"},
    {"UPDATE device SET base_seq = -1", KV_STATE_DAMAGED,
     "no valid device row"},
    {"UPDATE device SET base_sum = base_sum + 1", KV_STATE_DAMAGED,
     "does not match its checksum"},
    {"UPDATE device SET horizon = 1", KV_STATE_DAMAGED,
     "does not match its checksum"},
    {"UPDATE device SET horizon = NULL", KV_STATE_DAMAGED,
     "no valid device row"},
    {"UPDATE device SET horizon = 9007199254740993", KV_STATE_DAMAGED,
     "no valid device row"},
    {"UPDATE device SET former_seq = 1", KV_STATE_DAMAGED,
     "no valid device row"},
    {"UPDATE device SET former_id = zeroblob(16), former_seq = 0, former_sum = 1",
     KV_STATE_DAMAGED, "does not match its checksum"},
    {"UPDATE device SET former_id = zeroblob(15), former_seq = 0, former_sum = 1",
     KV_STATE_DAMAGED, "no valid device row"},
    {"UPDATE device SET former_id = id, former_seq = 0, former_sum = 1",
     KV_STATE_DAMAGED, "no valid device row"},
  };
  const char *path = test_log_make(*s);
  const char *other = test_path("%s/other.db", *s);
  size_t i;

  for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
    test_copy(path, other);
    test_log_break(other, changes[i].change);
    expect(other, "phone", changes[i].state, changes[i].sentence);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(a_log_is_admitted_with_its_device_row),
    test(the_log_of_another_device_is_a_stranger),
    test(an_incomplete_file_waits_for_the_rest),
    test(the_header_refuses_before_anything_else_is_read),
    test(the_tables_and_the_device_row_have_to_be_those_of_a_log),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
