#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "connection/registry.h"
#include "db/error.h"
#include "store/errors.h"
#include "store/savepoint.h"
#include "store/store.h"
#include "support/files.h"
#include "support/rc.h"
#include "support/stores.h"
#include "sync/rebuild.h"

/* Open another table of the same connection. */
static int open_table(test_store *t, const char *schema, const char *name,
                      const char *path, const char *device, kv_store **out) {
  kv_options options = {path, device, TEST_NOW, 0, 0, KV_AS_BEFORE, 0};

  sqlite3_free(t->err);
  t->err = NULL;
  return kv_store_open(t->registry, schema, name, &options, 1, out, &t->err);
}

static void a_table_opened_again_is_the_same_store(void **state) {
  test_store t;
  kv_store *again = NULL;

  test_store_open(&t, test_path("%s/n.kv", *state), "laptop");
  assert_rc(open_table(&t, "main", "kv", test_path("%s/./n.kv/", *state),
                       "laptop", &again),
            SQLITE_OK);
  assert_ptr_equal(again, t.store);
  kv_store_close(again);
  assert_int_equal(t.store->n_refs, 1);
  test_store_close(&t);
}

static void other_devices_and_observers_are_other_stores(void **state) {
  const char *root = test_path("%s/n.kv", *state);
  test_store t;
  kv_store *phone = NULL;
  kv_store *eyes = NULL;

  test_store_open(&t, root, "laptop");
  assert_rc(open_table(&t, "main", "phone", root, "phone", &phone), SQLITE_OK);
  assert_rc(open_table(&t, "main", "eyes", root, NULL, &eyes), SQLITE_OK);
  assert_ptr_not_equal(phone, t.store);
  assert_ptr_not_equal(eyes, t.store);
  assert_null(eyes->device);
  assert_string_equal(eyes->root, t.store->root);
  kv_store_close(phone);
  kv_store_close(eyes);
  test_store_close(&t);
}

static void a_second_table_of_one_store_is_refused(void **state) {
  const char *root = test_path("%s/n.kv", *state);
  sqlite3 *db = test_connect(":memory:");
  char *text;

  test_run(db, "CREATE VIRTUAL TABLE one USING kv(%Q, device='laptop')", root);
  assert_rc(test_try(db,
                     "CREATE VIRTUAL TABLE two USING kv(%Q, device='laptop')",
                     root),
            SQLITE_ERROR);
  text = sqlite3_mprintf("%s", sqlite3_errmsg(db));
  assert_non_null(strstr(
    text, "this store is already open as table main.one of this connection"));
  sqlite3_free(text);
  test_run(db, "DROP TABLE one");
  test_run(db, "CREATE VIRTUAL TABLE two USING kv(%Q, device='laptop')", root);
  test_disconnect(db);
}

static void names_are_checked_before_anything_is_made(void **state) {
  const char *root = test_path("%s/new.kv", *state);
  test_store t;
  kv_store *out = NULL;

  test_store_open(&t, ":memory:", "laptop");
  assert_rc(open_table(&t, "main", "x", root, "a/b", &out), SQLITE_ERROR);
  assert_non_null(strstr(t.err, "'a/b' cannot be a device name"));
  assert_null(out);
  assert_false(test_exists(root));
  assert_rc(open_table(&t, "main", "x", "", "laptop", &out), SQLITE_ERROR);
  assert_rc(open_table(&t, "main", "x", NULL, "laptop", &out), SQLITE_ERROR);
  assert_non_null(strstr(t.err, "name the folder"));
  test_store_close(&t);
}

static void a_relative_path_starts_at_the_database(void **state) {
  sqlite3 *db = test_connect(test_path("%s/host.db", *state));
  kv_registry *registry = NULL;
  kv_options options = {"n.kv", "laptop", TEST_NOW, 0, 0, KV_AS_BEFORE, 0};
  kv_store *store = NULL;

  assert_rc(kv_registry_create(db, &registry), SQLITE_OK);
  kv_registry_retain(registry);
  assert_rc(kv_store_open(registry, "main", "kv", &options, 1, &store, NULL),
            SQLITE_OK);
  assert_string_equal(store->root, test_path("%s/n.kv", *state));
  kv_store_close(store);

  /* a temporary one at the working directory */
  test_make_folder(test_path("%s/there", *state));
  assert_int_equal(chdir(test_path("%s/there", *state)), 0);
  assert_rc(kv_store_open(registry, "temp", "kv", &options, 1, &store, NULL),
            SQLITE_OK);
  assert_string_equal(store->root, test_path("%s/there/n.kv", *state));
  assert_true(kv_store_is_temp(store));
  kv_store_close(store);
  assert_int_equal(chdir("/"), 0);
  kv_registry_release(registry);
  test_disconnect(db);
}

static void stores_in_memory_have_no_folder(void **state) {
  test_store t;
  kv_store *other = NULL;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  assert_null(t.store->root);
  assert_rc(open_table(&t, "main", "x", ":memory:", "laptop", &other),
            SQLITE_OK);
  assert_ptr_not_equal(other, t.store);
  kv_store_close(other);
  test_store_close(&t);
}

static void a_renamed_store_has_tables_of_its_new_name(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  test_store_set(&t, "a", "1");
  assert_rc(kv_store_rename(t.store, "notes"), SQLITE_OK);
  assert_string_equal(t.store->name, "notes");
  test_rows(t.db, "a", "SELECT key FROM notes_cache");
  test_store_set(&t, "b", "2");
  test_rows(t.db, "2", "SELECT count(*) FROM notes_cache");
  test_store_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(a_table_opened_again_is_the_same_store),
    test_in_folder(other_devices_and_observers_are_other_stores),
    test_in_folder(a_second_table_of_one_store_is_refused),
    test_in_folder(names_are_checked_before_anything_is_made),
    test_in_folder(a_relative_path_starts_at_the_database),
    test_in_folder(stores_in_memory_have_no_folder),
    test_in_folder(a_renamed_store_has_tables_of_its_new_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
