/*
** Another store writes again what a twin could not share.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "outgoing/own.h"
#include "support/files.h"
#include "support/rc.h"
#include "support/stores.h"
#include "sync/heir.h"
#include "table/kv_table.h"

static sqlite3 *db;
static kv_registry *registry;
static char *err;

/*
** The table twin, of device laptop, whose key `mine` waits: another database
** has adopted its log. The table heir is of device tablet.
*/
static int setup(void **state) {
  const char *root;

  if (test_files_setup(state) != 0) return -1;
  root = test_path("%s/n.kv", *state);
  db = test_connect(":memory:");
  assert_rc(kv_registry_create(db, &registry), SQLITE_OK);
  kv_registry_retain(registry);
  assert_rc(kv_table_register(db, registry), SQLITE_OK);
  test_run(db, "CREATE VIRTUAL TABLE twin USING kv(%Q, device='laptop')", root);
  test_run(db, "INSERT INTO twin(key, value) VALUES('shared', 1)");
  return 0;
}

static int teardown(void **state) {
  sqlite3_free(err);
  err = NULL;
  test_disconnect(db);
  kv_registry_release(registry);
  return test_files_teardown(state);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static kv_store *store(const char *name) {
  kv_store *found = registry->stores;

  while (found && strcmp(found->name, name) != 0)
    found = found->next;
  assert_non_null(found);
  return found;
}

/* A key that waits, while another log replaces the twin's. */
static void make_twin(void **state) {
  test_store other;
  const char *log = test_path("%s/n.kv/devices/laptop/log.db", *state);

  test_move(test_path("%s/n.kv", *state), test_path("%s/away", *state));
  test_run(db, "INSERT INTO twin(key, value) VALUES('mine', 'x')");
  test_move(test_path("%s/away", *state), test_path("%s/n.kv", *state));
  test_store_open(&other, test_path("%s/other.kv", *state), "laptop");
  test_store_set(&other, "theirs", "1");
  test_store_close(&other);
  test_copy(test_path("%s/other.kv/devices/laptop/log.db", *state), log);
  store("twin")->exchange->must_look = 1;
}

static void open_heir(const char *root) {
  test_run(db, "CREATE VIRTUAL TABLE heir USING kv(%Q, device='tablet')", root);
}

static void the_heir_writes_what_the_twin_could_not_share(void **state) {
  make_twin(state);
  open_heir(test_path("%s/n.kv", *state));
  assert_rc(kv_heir_inherit(store("heir"), &err), SQLITE_OK);
  test_rows(db, "mine|x",
            "SELECT key, value FROM heir_cache WHERE device = 'tablet' AND key "
            "= 'mine'");
}

static void the_twin_no_longer_keeps_the_rows(void **state) {
  int64_t n = -1;
  kv_log_cursor own;

  make_twin(state);
  open_heir(test_path("%s/n.kv", *state));
  assert_rc(kv_heir_inherit(store("heir"), &err), SQLITE_OK);
  assert_rc(kv_own_unpublished(store("twin"), &n), SQLITE_OK);
  assert_int_equal(n, 0);
  assert_rc(kv_own_load(store("twin"), &own), SQLITE_OK);
  assert_false(own.has_waiting);
  kv_log_cursor_clear(&own);
  test_run(db, "DELETE FROM heir_cache");
  assert_rc(kv_heir_inherit(store("heir"), &err), SQLITE_OK);
  test_rows(db, "0", "SELECT count(*) FROM heir_cache");
}

static void a_store_of_another_folder_inherits_nothing(void **state) {
  int64_t n = -1;

  make_twin(state);
  open_heir(test_path("%s/second.kv", *state));
  assert_rc(kv_heir_inherit(store("heir"), &err), SQLITE_OK);
  test_rows(db, "0", "SELECT count(*) FROM heir_cache");
  assert_rc(kv_own_unpublished(store("twin"), &n), SQLITE_OK);
  assert_true(n > 0);
}

static void rows_that_wait_only_for_the_folder_stay(void **state) {
  int64_t n = -1;

  test_move(test_path("%s/n.kv", *state), test_path("%s/away", *state));
  test_run(db, "INSERT INTO twin(key, value) VALUES('mine', 'x')");
  test_move(test_path("%s/away", *state), test_path("%s/n.kv", *state));
  open_heir(test_path("%s/n.kv", *state));
  assert_rc(kv_heir_inherit(store("heir"), &err), SQLITE_OK);
  test_rows(db, "0", "SELECT count(*) FROM heir_cache");
  assert_rc(kv_own_unpublished(store("twin"), &n), SQLITE_OK);
  assert_int_equal(n, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(the_heir_writes_what_the_twin_could_not_share),
    test(the_twin_no_longer_keeps_the_rows),
    test(a_store_of_another_folder_inherits_nothing),
    test(rows_that_wait_only_for_the_folder_stay),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
