#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cache/log_cursor.h"
#include "support/rc.h"
#include "support/stores.h"

static test_store t;
static kv_log_cursor loaded;

static int setup(void **state) {
  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  kv_log_cursor_clear(&loaded);
  test_store_close(&t);
  return 0;
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void load(const char *device) {
  kv_log_cursor_clear(&loaded);
  assert_rc(kv_log_cursor_load(&t.store->stmts, device, &loaded), SQLITE_OK);
}

/* A cursor with another value in each of its fields. */
static kv_log_cursor cursor_of(const char *device) {
  kv_log_cursor out;

  memset(&out, 0, sizeof(out));
  sqlite3_snprintf(sizeof(out.device), out.device, "%s", device);
  out.is_known = out.has_id = out.has_waiting = out.has_stamp = 1;
  memset(out.id, 7, KV_ID_SIZE);
  out.cached.seq = 11;
  out.cached.sum = -12;
  out.published.seq = 13;
  out.published.sum = 14;
  out.waiting.seq = 15;
  out.waiting.sum = 16;
  out.last_ts = 17;
  out.newest = 18;
  out.clock_offset = -19;
  out.synced = 20;
  out.stamp.inode = 21;
  out.stamp.size = 22;
  out.stamp.mtime = 23;
  out.stamp.ctime = 24;
  out.verdict.state = KV_STATE_BEHIND;
  out.verdict.detail = "it says why";
  return out;
}

static void save(const char *device) {
  kv_log_cursor cursor = cursor_of(device);
  assert_rc(kv_log_cursor_save(&t.store->stmts, &cursor), SQLITE_OK);
}

static void a_device_without_a_cursor_is_unknown(void **state) {
  (void)state;
  save("phone");
  load("tablet");
  assert_string_equal(loaded.device, "tablet");
  assert_false(loaded.is_known || loaded.has_id || loaded.has_waiting ||
               loaded.has_stamp);
  assert_int_equal(loaded.cached.seq, 0);
  assert_int_equal(loaded.last_ts, -1);
  assert_int_equal(loaded.newest, -1);
  assert_int_equal(loaded.synced, -1);
}

static void a_cursor_is_loaded_as_it_was_saved(void **state) {
  kv_log_cursor saved = cursor_of("phone");

  (void)state;
  save("phone");
  load("phone");
  assert_string_equal(loaded.verdict.detail, saved.verdict.detail);
  assert_int_equal(loaded.verdict.state, saved.verdict.state);
  assert_true(loaded.is_known && loaded.has_id && loaded.has_waiting &&
              loaded.has_stamp);
  assert_string_equal(loaded.device, "phone");
  assert_memory_equal(loaded.id, saved.id, KV_ID_SIZE);
  assert_memory_equal(&loaded.cached, &saved.cached, sizeof(kv_position));
  assert_memory_equal(&loaded.published, &saved.published, sizeof(kv_position));
  assert_memory_equal(&loaded.waiting, &saved.waiting, sizeof(kv_position));
  assert_memory_equal(&loaded.stamp, &saved.stamp, sizeof(kv_stamp));
  assert_int_equal(loaded.last_ts, saved.last_ts);
  assert_int_equal(loaded.newest, saved.newest);
  assert_int_equal(loaded.clock_offset, saved.clock_offset);
  assert_int_equal(loaded.synced, saved.synced);
}

static void what_cannot_be_right_counts_as_unknown(void **state) {
  (void)state;
  save("phone");
  test_run(t.db, "UPDATE kv_cursor SET state = 'x', stamp_size = 'x'");
  load("phone");
  assert_int_equal(loaded.verdict.state, KV_STATE_DAMAGED);
  assert_false(loaded.has_stamp);
  assert_true(loaded.has_id);
  save("phone");
  test_run(t.db, "UPDATE kv_cursor SET seq = -1");
  load("phone");
  assert_true(loaded.is_known);
  assert_false(loaded.has_id || loaded.has_waiting || loaded.has_stamp);
  assert_int_equal(loaded.cached.seq, 0);
  assert_int_equal(loaded.cached.sum, 0);
  assert_int_equal(loaded.published.seq, 0);
  save("phone");
  test_run(t.db, "UPDATE kv_cursor SET id = x'0707'");
  load("phone");
  assert_false(loaded.has_id || loaded.has_stamp);
  save("phone");
  test_run(t.db, "UPDATE kv_cursor SET seq = 'many', last_ts = 'x'");
  load("phone");
  assert_int_equal(loaded.cached.seq, 0);
  assert_int_equal(loaded.last_ts, -1);
}

static void an_incomplete_stamp_is_ignored(void **state) {
  static const char *const columns[] = {"inode", "size", "mtime", "ctime"};
  int i;

  (void)state;
  for (i = 0; i < 4; i++) {
    save("phone");
    test_run(t.db, "UPDATE kv_cursor SET stamp_%s = 'x'", columns[i]);
    load("phone");
    assert_true(loaded.has_id);
    assert_false(loaded.has_stamp);
  }
}

static void the_last_eight_former_logs_of_each_device_are_kept(void **state) {
  unsigned char id[KV_ID_SIZE] = {0};
  kv_former former = {0, 0, 0};
  int found = 1;
  int i;

  (void)state;
  assert_rc(kv_former_save(&t.store->stmts, "tablet", id, &former), SQLITE_OK);
  for (i = 1; i <= 9; i++) {
    id[0] = (unsigned char)i;
    former.seq = i;
    former.sum = -i;
    former.newest = 100 + i;
    assert_rc(kv_former_save(&t.store->stmts, "phone", id, &former), SQLITE_OK);
  }
  for (i = 1; i <= 9; i++) {
    id[0] = (unsigned char)i;
    assert_rc(kv_former_load(&t.store->stmts, "phone", id, &former, &found),
              SQLITE_OK);
    assert_int_equal(found, i > 1);
    if (!found) continue;
    assert_int_equal(former.seq, i);
    assert_int_equal(former.sum, -i);
    assert_int_equal(former.newest, 100 + i);
  }
  former.seq = 50;
  assert_rc(kv_former_save(&t.store->stmts, "phone", id, &former), SQLITE_OK);
  test_rows(t.db, "8|50",
            "SELECT count(*), max(seq) FROM kv_former WHERE device = 'phone'");
  assert_rc(kv_former_load(&t.store->stmts, "tablet", id, &former, &found),
            SQLITE_OK);
  assert_false(found);
  id[0] = 0;
  assert_rc(kv_former_load(&t.store->stmts, "tablet", id, &former, &found),
            SQLITE_OK);
  assert_true(found);
}

static void the_devices_with_a_cursor_are_listed_in_order(void **state) {
  char **names = NULL;
  int n = -1;

  (void)state;
  test_run(t.db, "DELETE FROM kv_cursor");
  assert_rc(kv_log_cursor_list(&t.store->stmts, &names, &n), SQLITE_OK);
  assert_int_equal(n, 0);
  kv_folder_free_names(names, n);
  save("tablet");
  save("Phone");
  save("laptop");
  save("tablet");
  assert_rc(kv_log_cursor_list(&t.store->stmts, &names, &n), SQLITE_OK);
  assert_int_equal(n, 3);
  assert_string_equal(names[0], "Phone");
  assert_string_equal(names[1], "laptop");
  assert_string_equal(names[2], "tablet");
  kv_folder_free_names(names, n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(a_device_without_a_cursor_is_unknown),
    test(a_cursor_is_loaded_as_it_was_saved),
    test(what_cannot_be_right_counts_as_unknown),
    test(an_incomplete_stamp_is_ignored),
    test(the_last_eight_former_logs_of_each_device_are_kept),
    test(the_devices_with_a_cursor_are_listed_in_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
