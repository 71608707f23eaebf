/*
** Large rows of another device: verified piece by piece, sync by sync, while
** the file may change; and nothing of it is left.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/files.h"
#include "support/stores.h"
#include "sync/sync.h"

#define LENGTH (3 * KV_LARGE / 2)
#define PATIENCE 2000

/* A store that has read its folder once, and then a piece in each sync. */
static void open_laptop(test_store *t, void **state) {
  test_store_open(t, test_path("%s/n.kv", *state), "laptop");
  test_store_sync(t);
  t->store->large_budget = 1;
}

static const char *phone(void **state) {
  const char *devices = test_path("%s/n.kv/devices", *state);

  if (!test_exists(devices)) test_make_folder(devices);
  if (!test_exists(test_path("%s/phone", devices))) {
    test_make_folder(test_path("%s/phone", devices));
  }
  return test_path("%s/phone/log.db", devices);
}

/* A copy of the log, not where devices are. */
static const char *copy(void **state) {
  return test_path("%s/copy.db", *state);
}

static void begin(test_log *log, void **state, char id) {
  if (test_exists(phone(state))) test_remove(phone(state));
  test_log_begin(log, phone(state), "phone", id);
}

/* A row with a large value, before `behind` more of its transaction. */
static void set_large(test_log *log, const char *key, int behind) {
  static char bytes[LENGTH];

  memset(bytes, key[0], sizeof(bytes));
  log->row.ts = TEST_NOW;
  log->row.op = KV_OP_SET;
  log->row.parent_ts = test_null();
  log->row.bucket = test_text("");
  log->row.key = test_text(key);
  log->row.value = test_blob(bytes, sizeof(bytes));
  log->row.txn = log->row.seq + 1 + behind;
  test_log_write(log);
}

/* A log of one large row. */
static void make_one(void **state, const char *key) {
  test_log log;

  begin(&log, state, 1);
  set_large(&log, key, 0);
  test_log_end(&log);
}

static char *state_of(test_store *t) {
  char *z = test_ask(t->db, "SELECT state || ': ' || coalesce(detail, '') "
                            "FROM kv_cursor WHERE device = 'phone'");
  z[strcspn(z, "\n")] = '\0';
  return z;
}

static int is_state(test_store *t, const char *begins) {
  char *z = state_of(t);
  int is = strncmp(z, begins, strlen(begins)) == 0;

  sqlite3_free(z);
  return is;
}

/* Sync as long as a row is being verified; how often. */
static int sync_all(test_store *t) {
  int n = 0;

  do {
    test_store_sync(t);
    n++;
    assert_true(n < PATIENCE);
  } while (is_state(t, "waiting"));
  return n;
}

/* Sync until a row is verified in part. */
static void sync_some(test_store *t) {
  int i;

  for (i = 0; i < 20; i++)
    test_store_sync(t);
  assert_true(is_state(t, "waiting"));
}

static void expect_keys_at(const char *file, int line, test_store *t,
                           const char *expected) {
  char *z = test_ask(t->db, "SELECT coalesce(group_concat(key, ''), '') FROM "
                            "(SELECT key FROM kv_cache ORDER BY seq)");

  z[strcspn(z, "\n")] = '\0';
  _assert_string_equal(z, expected, file, line);
  sqlite3_free(z);
}
#define expect_keys(t, expected) expect_keys_at(__FILE__, __LINE__, t, expected)

static void a_large_row_is_verified_piece_by_piece(void **state) {
  test_store t;
  test_log log;
  char *z;

  open_laptop(&t, state);
  begin(&log, state, 1);
  test_log_set(&log, TEST_NOW, "a", "1", 0);
  set_large(&log, "b", 0);
  test_log_set(&log, TEST_NOW + 1, "c", "1", 0);
  test_log_end(&log);
  assert_int_equal(test_store_sync(&t), 1);
  expect_keys(&t, "a"); /* what is before it does not wait */
  z = state_of(&t);
  assert_string_equal(z, "waiting: merged up to row 1; a large row is being "
                         "verified: 0 of 1 MB; kv_sync() goes on");
  sqlite3_free(z);
  assert_true(sync_all(&t) > LENGTH / 16384 / 2);
  expect_keys(&t, "abc");
  assert_true(is_state(&t, "ok"));
  assert_null(t.store->larges);
  test_store_close(&t);
}

static void what_another_connection_left_is_read_at_once(void **state) {
  test_store t;

  test_store_open(&t, test_path("%s/n.kv", *state), "laptop");
  t.store->large_budget = 1;
  make_one(state, "b");
  assert_int_equal(test_store_sync(&t), 0); /* the first one, too */
  assert_true(is_state(&t, "waiting"));
  kv_larges_forget(&t.store->larges, NULL);
  t.store->is_synced = 0;
  assert_int_equal(test_store_sync(&t), 1);
  assert_true(is_state(&t, "ok"));
  test_store_close(&t);
}

static void a_log_that_grows_is_gone_on_with(void **state) {
  test_store t;
  test_log log;
  int n = 0;

  open_laptop(&t, state);
  begin(&log, state, 1);
  set_large(&log, "b", 0);
  while (n == 0 || is_state(&t, "waiting")) {
    test_log_set(&log, TEST_NOW + 1 + n, "c", "1", 0);
    test_store_sync(&t);
    assert_true(n++ < LENGTH / 16384 + 2);
  }
  test_log_end(&log);
  assert_true(is_state(&t, "ok"));
  assert_null(t.store->larges);
  test_store_close(&t);
}

static void a_wrong_one_is_damaged(void **state) {
  test_store t;
  test_log log;
  int n;

  open_laptop(&t, state);
  begin(&log, state, 1);
  test_log_set(&log, TEST_NOW, "a", "1", 0);
  set_large(&log, "b", 0);
  test_log_end(&log);
  test_log_break(phone(state), "UPDATE log SET sum = 1 WHERE seq = 2");
  test_make_old(phone(state));
  n = sync_all(&t);
  assert_true(n > LENGTH / 16384 / 2);
  assert_true(is_state(&t, "damaged: merged up to row 1; at the next one its "
                           "checksum does not match"));

  /* A file of other times may have changed: that it was damaged is still said. */
  test_make_old(phone(state));
  test_store_sync(&t);
  assert_true(is_state(&t, "damaged: merged up to row 1; a large row did not "
                           "match its checksum, and is being verified again "
                           "as the file may have changed: 0 of 1 MB"));
  test_store_close(&t);
}

static void one_that_was_mended_meanwhile_is_read_once_more(void **state) {
  test_store t;

  open_laptop(&t, state);
  make_one(state, "b");
  test_copy(phone(state), copy(state));
  test_set_byte(phone(state), 20000, 'x');
  sync_some(&t);
  test_copy(copy(state), phone(state));
  sync_all(&t);
  assert_true(is_state(&t, "ok"));
  expect_keys(&t, "b");
  test_store_close(&t);
}

static void one_that_is_spoilt_behind_what_was_read_is_damaged(void **state) {
  test_store t;

  open_laptop(&t, state);
  make_one(state, "b");
  sync_some(&t);
  test_set_byte(phone(state), 20000, 'x'); /* that part was right */
  sync_all(&t);
  assert_true(is_state(&t, "damaged"));
  expect_keys(&t, "");
  test_store_close(&t);
}

static void a_transaction_may_have_several(void **state) {
  test_store t;
  test_log log;

  open_laptop(&t, state);
  begin(&log, state, 1);
  set_large(&log, "b", 2);
  set_large(&log, "c", 1);
  set_large(&log, "d", 0);
  test_log_end(&log);
  assert_true(sync_all(&t) > 3 * LENGTH / 16384 / 2);
  expect_keys(&t, "bcd");
  assert_null(t.store->larges);
  test_store_close(&t);
}

static void another_log_may_have_several(void **state) {
  test_store t;
  test_log log;

  open_laptop(&t, state);
  begin(&log, state, 1);
  test_log_set(&log, TEST_NOW, "a", "1", 0);
  test_log_end(&log);
  test_store_sync(&t);
  begin(&log, state, 2);
  set_large(&log, "b", 0);
  test_log_set(&log, TEST_NOW, "c", "1", 0);
  set_large(&log, "d", 0);
  test_log_end(&log);
  assert_int_equal(test_store_sync(&t), 0);
  expect_keys(&t, "a");
  sync_all(&t);
  assert_true(is_state(&t, "rewritten"));
  expect_keys(&t, "bcd");
  assert_null(t.store->larges);
  test_store_close(&t);
}

static void an_older_copy_may_end_with_one(void **state) {
  test_store t;
  test_log log;

  open_laptop(&t, state);
  begin(&log, state, 1);
  set_large(&log, "a", 0);
  set_large(&log, "b", 0);
  test_copy(phone(state), copy(state));
  test_log_set(&log, TEST_NOW, "c", "1", 0);
  test_log_end(&log);
  sync_all(&t);
  expect_keys(&t, "abc");
  test_copy(copy(state), phone(state));
  assert_true(sync_all(&t) > LENGTH / 16384 / 2);
  assert_true(is_state(&t, "behind"));
  expect_keys(&t, "abc");
  test_store_close(&t);
}

static void the_last_row_that_was_read_may_be_one(void **state) {
  test_store t;
  test_log log;

  open_laptop(&t, state);
  begin(&log, state, 1);
  set_large(&log, "a", 0);
  sync_all(&t);
  assert_true(is_state(&t, "ok"));
  test_log_set(&log, TEST_NOW, "c", "1", 0);
  test_log_end(&log);
  assert_int_equal(test_store_sync(&t), 1); /* its pages are in a row */
  test_log_break(phone(state), "DELETE FROM log WHERE seq = 2;"
                               "UPDATE log SET sum = 7");
  sync_all(&t);
  assert_true(is_state(&t, "damaged"));
  expect_keys(&t, "ac");
  test_store_close(&t);
}

static void the_last_row_that_was_read_may_lie_here_and_there(void **state) {
  test_store t;
  test_log log;

  open_laptop(&t, state);
  begin(&log, state, 1);
  /* Pages that were used before come in another order. */
  test_run(log.db,
           "INSERT INTO log VALUES(9, 9, 9, NULL, 1, '', 'x', "
           "zeroblob(%d), 9)",
           LENGTH);
  test_run(log.db, "DELETE FROM log");
  set_large(&log, "a", 0);
  sync_all(&t);
  assert_true(is_state(&t, "ok"));
  test_log_set(&log, TEST_NOW, "c", "1", 0);
  test_log_end(&log);
  assert_int_equal(test_store_sync(&t), 0);
  assert_true(is_state(&t, "waiting"));
  sync_all(&t);
  assert_true(is_state(&t, "ok"));
  expect_keys(&t, "ac");
  test_store_close(&t);
}

static void nothing_is_left_of_a_row_that_is_gone(void **state) {
  test_store t;
  test_log log;

  open_laptop(&t, state);
  make_one(state, "a");
  test_store_sync(&t);
  assert_non_null(t.store->larges);
  test_move(phone(state), copy(state));
  test_store_sync(&t);
  assert_null(t.store->larges);
  test_move(copy(state), phone(state));
  test_store_sync(&t);
  assert_non_null(t.store->larges->rows);
  begin(&log, state, 1);
  test_log_set(&log, TEST_NOW, "c", "1", 0);
  test_log_end(&log);
  test_store_sync(&t);
  assert_null(t.store->larges);
  assert_true(is_state(&t, "ok"));
  test_store_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(a_large_row_is_verified_piece_by_piece),
    test_in_folder(what_another_connection_left_is_read_at_once),
    test_in_folder(a_log_that_grows_is_gone_on_with),
    test_in_folder(a_wrong_one_is_damaged),
    test_in_folder(one_that_was_mended_meanwhile_is_read_once_more),
    test_in_folder(one_that_is_spoilt_behind_what_was_read_is_damaged),
    test_in_folder(a_transaction_may_have_several),
    test_in_folder(another_log_may_have_several),
    test_in_folder(an_older_copy_may_end_with_one),
    test_in_folder(the_last_row_that_was_read_may_be_one),
    test_in_folder(the_last_row_that_was_read_may_lie_here_and_there),
    test_in_folder(nothing_is_left_of_a_row_that_is_gone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
