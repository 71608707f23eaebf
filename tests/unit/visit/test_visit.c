/*
** One device's log during a sync: what is new is merged, and its state noted.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "support/files.h"
#include "support/rc.h"
#include "support/stores.h"
#include "visit/visit.h"

static test_store t;

static int setup(void **state) {
  if (test_files_setup(state) != 0) return -1;
  test_store_open(&t, test_path("%s/n.kv", *state), "laptop");
  test_make_folder(test_path("%s/n.kv/devices", *state));
  test_make_folder(test_path("%s/n.kv/devices/phone", *state));
  return 0;
}

static int teardown(void **state) {
  test_store_close(&t);
  return test_files_teardown(state);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static const char *folder(void **state) {
  return test_path("%s/n.kv/devices/phone", *state);
}

/* Visit phone, which must succeed, with counts that start at 10 and 20. */
static void visit_at(int line, int is_listed, int merged, int seen,
                     const char *state, const char *keys) {
  char *text = sqlite3_mprintf("%s: %s", state, keys);
  kv_visits visits = {.store = t.store, .n_merged = 10, .n_seen = 20};

  assert_rc(
    kv_folder_open(test_path("%s/devices", t.store->root), &visits.devices),
    SQLITE_OK);
  assert_rc(kv_visit_device(&visits, "phone", is_listed, &t.err), SQLITE_OK);
  assert_rc(kv_visit_later(&visits, &t.err), SQLITE_OK);
  _assert_int_equal(visits.n_merged, 10 + merged, __FILE__, line);
  _assert_int_equal(visits.n_seen, 20 + seen, __FILE__, line);
  kv_visit_end(&visits);
  test_rows_at(__FILE__, line, t.db, text,
               "SELECT (SELECT state FROM kv_cursor WHERE device = 'phone') || "
               "': ' || (SELECT ifnull(group_concat(key, ''), '') FROM (SELECT "
               "key FROM kv_cache ORDER BY seq))");
  sqlite3_free(text);
}
#define visit(...) visit_at(__LINE__, __VA_ARGS__)

static void new_rows_are_merged_and_counted(void **state) {
  test_log log;

  test_log_open(&log, test_log_make(folder(state)));
  visit(1, 4, 0, "ok", "abcd");
  visit(1, 0, 0, "ok", "abcd");
  test_log_set(&log, TEST_NOW + 9, "e", "1", 0);
  test_log_end(&log);
  visit(1, 1, 0, "ok", "abcde");
}

static void seen_rows_are_counted_separately(void **state) {
  test_store phone;

  test_store_open(&phone, t.store->root, "phone");
  test_store_set(&t, "a", "1");
  test_store_sync(&phone);
  test_store_set(&phone, "b", "1");
  test_store_close(&phone);
  visit(1, 1, 1, "ok", "ab");
  (void)state;
}

static void a_file_that_has_not_changed_is_not_read(void **state) {
  const char *path = test_log_make(folder(state));

  sleep(2);
  usleep(200000); /* the file is no longer fresh */
  visit(1, 4, 0, "ok", "abcd");
  test_run(t.db, "UPDATE kv_cursor SET state = 'busy'");
  visit(1, 0, 0, "busy", "abcd");
  test_set_byte(path, 0, 'x');
  visit(1, 0, 0, "stranger", "abcd");
}

static void rows_of_a_log_that_disappeared_are_kept(void **state) {
  const char *path = test_log_make(folder(state));

  visit(1, 4, 0, "ok", "abcd");
  test_remove(path);
  visit(1, 0, 0, "missing", "abcd");
  test_remove(folder(state));
  visit(0, 0, 0, "missing", "abcd");
}

static void a_log_that_never_came_waits(void **state) {
  visit(1, 0, 0, "waiting", "");
  test_make_folder(test_path("%s/log.db", folder(state)));
  visit(1, 0, 0, "stranger", "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(new_rows_are_merged_and_counted),
    test(seen_rows_are_counted_separately),
    test(a_file_that_has_not_changed_is_not_read),
    test(rows_of_a_log_that_disappeared_are_kept),
    test(a_log_that_never_came_waits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
