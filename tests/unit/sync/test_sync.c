#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "core/clock.h"
#include "support/files.h"
#include "support/rc.h"
#include "support/stores.h"
#include "sync/sync.h"

#define LOG "%s/n.kv/devices/phone/log.db"

static void open_laptop(test_store *t, void **state) {
  test_store_open(t, test_path("%s/n.kv", *state), "laptop");
}

/* A log of a device with these keys, one transaction each. */
static const char *make_log(void **state, const char *device, char id,
                            const char *keys) {
  const char *folder = test_path("%s/n.kv/devices/%s", *state, device);
  const char *path = test_path("%s/log.db", folder);
  test_log log;
  int i;

  if (!test_exists(test_path("%s/n.kv/devices", *state))) {
    test_make_folder(test_path("%s/n.kv/devices", *state));
  }
  if (!test_exists(folder)) test_make_folder(folder);
  if (test_exists(path)) test_remove(path);
  test_log_begin(&log, path, device, id);
  for (i = 0; keys[i]; i++)
    test_log_set(&log, TEST_NOW + i, test_path("%c", keys[i]), "1", 0);
  test_log_end(&log);
  return path;
}

/* "keys of the device: state". */
static void expect_at(const char *file, int line, test_store *t,
                      const char *device, const char *expected) {
  test_rows_at(file, line, t->db, expected,
               "SELECT coalesce((SELECT group_concat(key, '') FROM (SELECT key "
               "FROM kv_cache WHERE device = %Q ORDER BY seq)), '') || ': ' || "
               "(SELECT state FROM kv_cursor WHERE device = %Q)",
               device, device);
}
#define expect(t, device, expected)                                            \
  expect_at(__FILE__, __LINE__, t, device, expected)

static void every_row_of_every_device_is_merged(void **state) {
  test_store t;

  open_laptop(&t, state);
  make_log(state, "phone", 1, "abc");
  make_log(state, "tablet", 2, "xy");
  assert_int_equal(test_store_sync(&t), 5);
  expect(&t, "phone", "abc: ok");
  expect(&t, "tablet", "xy: ok");
  assert_int_equal(test_store_sync(&t), 0);
  test_store_close(&t);
}

static void reading_continues_where_it_ended(void **state) {
  test_store t;
  test_log log;

  open_laptop(&t, state);
  make_log(state, "phone", 1, "abc");
  assert_int_equal(test_store_sync(&t), 3);
  test_log_open(&log, test_path(LOG, *state));
  test_log_set(&log, TEST_NOW + 9, "d", "1", 0);
  test_log_end(&log);
  assert_int_equal(test_store_sync(&t), 1);
  expect(&t, "phone", "abcd: ok");
  test_store_close(&t);
}

static void seen_rows_are_merged_and_not_counted(void **state) {
  test_store a;
  test_store b;

  open_laptop(&a, state);
  test_store_open(&b, test_path("%s/n.kv", *state), "phone");
  test_store_set(&a, "a", "1");
  assert_int_equal(test_store_sync(&b), 1);
  test_store_set(&b, "b", "1");
  assert_int_equal(test_store_sync(&a), 1);
  test_rows(a.db, "laptop|phone|2\nphone|laptop|1",
            "SELECT device, peer, peer_seq FROM kv_seen");
  test_store_close(&a);
  test_store_close(&b);
}

static void half_a_transaction_waits(void **state) {
  const char *path;
  test_store t;
  test_log log;

  open_laptop(&t, state);
  path = make_log(state, "phone", 1, "a");
  test_log_open(&log, path);
  test_log_set(&log, TEST_NOW + 9, "b", "1", 1);
  assert_int_equal(test_store_sync(&t), 1);
  expect(&t, "phone", "a: waiting");
  test_log_set(&log, TEST_NOW + 9, "c", "1", 0);
  test_log_end(&log);
  assert_int_equal(test_store_sync(&t), 2);
  expect(&t, "phone", "abc: ok");
  test_store_close(&t);
}

static void a_file_that_is_arriving_waits(void **state) {
  const char *path;
  const char *whole = test_path("%s/whole.db", *state);
  test_store t;

  open_laptop(&t, state);
  path = make_log(state, "phone", 1, "abc");
  test_copy(path, whole);
  test_truncate(path, 6000);
  assert_int_equal(test_store_sync(&t), 0);
  expect(&t, "phone", ": waiting");
  test_copy(whole, path);
  assert_int_equal(test_store_sync(&t), 3);
  expect(&t, "phone", "abc: ok");
  test_truncate(path, 0);
  assert_int_equal(test_store_sync(&t), 0);
  expect(&t, "phone", "abc: waiting");
  test_store_close(&t);
}

static void an_older_copy_removes_nothing(void **state) {
  test_store t;

  open_laptop(&t, state);
  make_log(state, "phone", 1, "abc");
  test_store_sync(&t);
  make_log(state, "phone", 1, "ab");
  assert_int_equal(test_store_sync(&t), 0);
  expect(&t, "phone", "abc: behind");
  make_log(state, "phone", 1, "");
  assert_int_equal(test_store_sync(&t), 0);
  expect(&t, "phone", "abc: behind");
  make_log(state, "phone", 1, "abcd");
  assert_int_equal(test_store_sync(&t), 1);
  expect(&t, "phone", "abcd: ok");
  test_store_close(&t);
}

static void another_log_in_its_place_is_read_from_the_beginning(void **state) {
  test_store t;
  char *a;
  char *b;

  open_laptop(&t, state);
  make_log(state, "phone", 1, "abc");
  test_store_sync(&t);
  a = test_ask(t.db, "SELECT epoch FROM kv_meta");
  make_log(state, "phone", 2, "xy");
  assert_int_equal(test_store_sync(&t), 2);
  expect(&t, "phone", "xy: rewritten");
  b = test_ask(t.db, "SELECT epoch FROM kv_meta");
  assert_string_not_equal(a, b);
  sqlite3_free(a);
  sqlite3_free(b);
  test_store_close(&t);
}

static void an_older_copy_of_an_older_log_removes_nothing(void **state) {
  test_store t;

  open_laptop(&t, state);
  make_log(state, "phone", 1, "abc");
  test_store_sync(&t);
  make_log(state, "phone", 2, "uvwxy");
  assert_int_equal(test_store_sync(&t), 5);
  make_log(state, "phone", 1, "abc"); /* everything that was read of it */
  assert_int_equal(test_store_sync(&t), 0);
  expect(&t, "phone", "uvwxy: behind");
  make_log(state, "phone", 1, "ab");
  assert_int_equal(test_store_sync(&t), 0);
  expect(&t, "phone", "uvwxy: behind");
  make_log(state, "phone", 1, "");
  assert_int_equal(test_store_sync(&t), 0);
  expect(&t, "phone", "uvwxy: behind");
  make_log(state, "phone", 2, "uvwxyz");
  assert_int_equal(test_store_sync(&t), 1);
  expect(&t, "phone", "uvwxyz: ok");
  test_store_close(&t);
}

static void an_older_log_that_grows_is_read_from_the_beginning(void **state) {
  test_store t;

  open_laptop(&t, state);
  make_log(state, "phone", 1, "abc");
  test_store_sync(&t);
  make_log(state, "phone", 2, "uvwxy");
  test_store_sync(&t);
  test_log_break(make_log(state, "phone", 1, "abcd"),
                 "UPDATE log SET value = '2' WHERE seq = 4");
  assert_int_equal(test_store_sync(&t), 0);
  expect(&t, "phone", "uvwxy: damaged");
  make_log(state, "phone", 1, "abcd");
  assert_int_equal(test_store_sync(&t), 4);
  expect(&t, "phone", "abcd: rewritten");
  make_log(state, "phone", 2, "uvwx");
  assert_int_equal(test_store_sync(&t), 0);
  expect(&t, "phone", "abcd: behind");
  make_log(state, "phone", 2, "uvwxy"); /* whole, and later than abcd */
  assert_int_equal(test_store_sync(&t), 5);
  expect(&t, "phone", "uvwxy: rewritten");
  test_store_close(&t);
}

static void an_older_log_that_came_late_is_replaced_again(void **state) {
  test_store t;

  open_laptop(&t, state);
  make_log(state, "phone", 2, "uvwxy");
  test_store_sync(&t);
  make_log(state, "phone", 1, "abc"); /* never read, so it may be a new one */
  assert_int_equal(test_store_sync(&t), 3);
  expect(&t, "phone", "abc: rewritten");
  make_log(state, "phone", 2, "uvwxy");
  assert_int_equal(test_store_sync(&t), 5);
  expect(&t, "phone", "uvwxy: rewritten");
  make_log(state, "phone", 1, "abc");
  assert_int_equal(test_store_sync(&t), 0);
  expect(&t, "phone", "uvwxy: behind");
  test_rows(t.db, "5\n3",
            "SELECT seq FROM kv_former WHERE device = 'phone' ORDER BY n");
  test_store_close(&t);
}

static void
another_history_under_the_same_id_is_read_from_the_beginning(void **state) {
  test_store t;

  open_laptop(&t, state);
  make_log(state, "phone", 1, "abc");
  test_store_sync(&t);
  make_log(state, "phone", 1, "axyz");
  assert_int_equal(test_store_sync(&t), 4);
  expect(&t, "phone", "axyz: rewritten");
  make_log(state, "phone", 1, "axq"); /* shorter, and not an older copy */
  assert_int_equal(test_store_sync(&t), 3);
  expect(&t, "phone", "axq: rewritten");
  make_log(state, "phone", 1, "ayq"); /* the same end and length */
  assert_int_equal(test_store_sync(&t), 3);
  expect(&t, "phone", "ayq: rewritten");
  test_store_close(&t);
}

static void
a_rewritten_log_that_does_not_verify_takes_nothing_away(void **state) {
  test_store t;

  open_laptop(&t, state);
  make_log(state, "phone", 1, "abc");
  test_store_sync(&t);
  test_log_break(make_log(state, "phone", 2, "xyz"),
                 "UPDATE log SET value = '2' WHERE seq = 2");
  assert_int_equal(test_store_sync(&t), 0);
  expect(&t, "phone", "abc: damaged");
  test_store_close(&t);
}

static void a_damaged_tail_only_loses_the_tail(void **state) {
  const char *path;
  test_store t;
  test_log log;

  open_laptop(&t, state);
  path = make_log(state, "phone", 1, "abc");
  test_log_break(path, "UPDATE log SET value = '2' WHERE seq = 3");
  assert_int_equal(test_store_sync(&t), 2);
  expect(&t, "phone", "ab: damaged");
  test_log_break(path, "UPDATE log SET value = '1' WHERE seq = 3");
  assert_int_equal(test_store_sync(&t), 1);
  expect(&t, "phone", "abc: ok");
  test_log_open(&log, path);
  log.row.sum++; /* breaks the chain */
  test_log_set(&log, TEST_NOW + 9, "d", "1", 0);
  test_log_end(&log);
  assert_int_equal(test_store_sync(&t), 0);
  expect(&t, "phone", "abc: damaged");
  test_store_close(&t);
}

static void strange_files_are_reported_and_not_read(void **state) {
  const char *path;
  test_store t;

  open_laptop(&t, state);
  path = make_log(state, "phone", 1, "abc");
  test_store_sync(&t);
  test_write(path,
             "this is not a log, but it is long enough for a header, so "
             "that it is looked at from its first byte on",
             101);
  assert_int_equal(test_store_sync(&t), 0);
  expect(&t, "phone", "abc: stranger");
  make_log(state, "tablet", 2, "x");
  test_copy(test_path("%s/n.kv/devices/tablet/log.db", *state), path);
  assert_int_equal(test_store_sync(&t), 1);
  expect(&t, "phone", "abc: stranger");
  expect(&t, "tablet", "x: ok");
  test_remove(path);
  test_link("../tablet/log.db", path);
  assert_int_equal(test_store_sync(&t), 0);
  expect(&t, "phone", "abc: stranger");
  test_log_break(make_log(state, "tablet", 2, "x"), "PRAGMA user_version = 3");
  assert_int_equal(test_store_sync(&t), 0);
  expect(&t, "tablet", "x: newer");
  test_store_close(&t);
}

static void a_missing_directory_forgets_nothing(void **state) {
  test_store t;

  open_laptop(&t, state);
  make_log(state, "phone", 1, "abc");
  test_store_sync(&t);
  test_move(test_path("%s/n.kv/devices/phone", *state),
            test_path("%s/away", *state));
  assert_int_equal(test_store_sync(&t), 0);
  expect(&t, "phone", "abc: missing");
  test_move(test_path("%s/away", *state),
            test_path("%s/n.kv/devices/phone", *state));
  assert_int_equal(test_store_sync(&t), 0);
  expect(&t, "phone", "abc: ok");
  test_store_close(&t);
}

static void a_bad_file_stops_no_other_device(void **state) {
  test_store t;

  open_laptop(&t, state);
  make_log(state, "a-first", 1, "abc");
  test_truncate(test_path("%s/n.kv/devices/a-first/log.db", *state), 50);
  test_set_byte(make_log(state, "m-middle", 2, "abc"), 4096, 77);
  make_log(state, "phone", 3, "xyz");
  assert_int_equal(test_store_sync(&t), 3);
  expect(&t, "phone", "xyz: ok");
  test_store_close(&t);
}

static void without_the_folder_a_sync_fails(void **state) {
  test_store t;
  int64_t n;

  open_laptop(&t, state);
  test_move(test_path("%s/n.kv", *state), test_path("%s/away", *state));
  assert_rc(kv_sync_run(t.store, &n, &t.err), SQLITE_CANTOPEN);
  assert_non_null(strstr(t.err, "is not there"));
  assert_false(test_exists(test_path("%s/n.kv", *state)));
  test_store_close(&t);
}

static void inside_a_transaction_a_sync_is_part_of_it(void **state) {
  test_store t;

  open_laptop(&t, state);
  test_store_set(&t, "own", "1");
  make_log(state, "phone", 1, "abc");
  test_run(t.db, "BEGIN");
  assert_int_equal(test_store_sync(&t), 3);
  test_store_rollback(&t);
  test_rows(t.db, "own", "SELECT key FROM kv_cache");
  test_run(t.db, "BEGIN");
  assert_int_equal(test_store_sync(&t), 3);
  test_store_write(&t, "more", "1");
  test_store_write(&t, "again", "1");
  assert_rc(test_store_commit(&t), SQLITE_OK);
  expect(&t, "phone", "abc: ok");
  expect(&t, "laptop", "ownmoreagain: ok");
  {
    char *log = test_ask(
      t.db,
      "SELECT seq, txn, op, CASE op WHEN 'seen' THEN bucket ELSE key END, "
      "value FROM kv_foreign('%q/devices/laptop/log.db')",
      t.store->root);
    assert_string_equal(log, "1|1|set|own|1\n2|4|seen|phone|3\n"
                             "3|4|set|more|1\n4|4|set|again|1\n");
    sqlite3_free(log);
  }
  test_store_close(&t);
}

static void a_transaction_that_has_written_merges_nothing(void **state) {
  test_store t;
  int64_t n;

  open_laptop(&t, state);
  make_log(state, "phone", 1, "abc");
  test_run(t.db, "BEGIN");
  test_store_write(&t, "own", "1");
  assert_rc(kv_sync_run(t.store, &n, &t.err), SQLITE_LOCKED);
  assert_string_equal(t.err, "kv: COMMIT first, then kv_sync(): this "
                             "transaction has written to kv");
  test_rows(t.db, "own", "SELECT key FROM kv_cache");
  assert_rc(test_store_commit(&t), SQLITE_OK);
  assert_int_equal(test_store_sync(&t), 3);
  expect(&t, "phone", "abc: ok");
  expect(&t, "laptop", "own: ok");
  test_store_close(&t);
}

static void an_observer_changes_nothing_in_the_folder(void **state) {
  kv_options options = {
    test_path("%s/n.kv", *state), NULL, TEST_NOW, 0, 0, KV_AS_BEFORE, 0};
  test_store t;
  kv_store *eyes = NULL;
  int64_t n;

  test_store_open(&t, ":memory:", "x");
  test_make_folder(test_path("%s/n.kv", *state));
  assert_rc(
    kv_store_open(t.registry, "main", "eyes", &options, 1, &eyes, &t.err),
    SQLITE_OK);
  assert_rc(kv_cache_create(&eyes->stmts), SQLITE_OK);
  assert_rc(kv_sync_run(eyes, &n, &t.err), SQLITE_OK);
  assert_false(test_exists(test_path("%s/n.kv/devices", *state)));
  make_log(state, "phone", 1, "abc");
  assert_rc(kv_sync_run(eyes, &n, &t.err), SQLITE_OK);
  assert_int_equal(n, 3);
  kv_store_close(eyes);
  test_store_close(&t);
}

static void other_devices_files_are_not_touched(void **state) {
  const char *path;
  size_t n;
  unsigned char *before;
  test_store t;

  open_laptop(&t, state);
  path = make_log(state, "phone", 1, "abc");
  test_write(test_path("%s-journal", path), "junk", 4);
  before = test_read(path, &n);
  test_store_sync(&t);
  test_store_set(&t, "a", "2");
  test_store_sync(&t);
  test_is_kept(path, before, n);
  assert_true(test_exists(test_path("%s-journal", path)));
  assert_false(test_exists(test_path("%s-wal", path)));
  test_store_close(&t);
}

static void a_write_comes_after_what_was_merged(void **state) {
  test_store t;
  test_log log;

  open_laptop(&t, state);
  make_log(state, "phone", 1, "");
  test_log_open(&log, test_path(LOG, *state));
  test_log_set(&log, TEST_NOW + KV_CLOCK_AHEAD, "near", "1", 0);
  test_log_set(&log, TEST_NOW + KV_CLOCK_AHEAD * 100, "far", "1", 0);
  test_log_end(&log);
  test_store_sync(&t);
  test_store_set(&t, "a", "1");
  test_rows(t.db, "300000001",
            "SELECT ts - 1793491200000000 FROM kv_cache WHERE key = 'a'");
  test_rows(t.db, "30000000",
            "SELECT clock_offset / 1000 FROM kv_cursor WHERE device = 'phone'");
  test_store_close(&t);
}

/* The VFS of the host, counting the log files that it opens. */
static sqlite3_vfs *real_vfs;
static sqlite3_vfs counting_vfs;
static int n_opened;

static int counting_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file,
                         int flags, int *out) {
  size_t n = name ? strlen(name) : 0;

  if (n > 6 && strcmp(name + n - 6, "log.db") == 0) n_opened++;
  return real_vfs->xOpen(vfs, name, file, flags, out);
}

static void an_idle_log_is_not_opened(void **state) {
  test_store t;
  int i;

  real_vfs = sqlite3_vfs_find(NULL);
  counting_vfs = *real_vfs;
  counting_vfs.zName = "counting";
  counting_vfs.xOpen = counting_open;
  sqlite3_vfs_register(&counting_vfs, 0);
  test_make_folder(test_path("%s/n.kv", *state));
  make_log(state, "phone", 1, "abc");
  sqlite3_vfs_register(&counting_vfs, 1);

  open_laptop(&t, state);
  test_store_set(&t, "a", "1");
  n_opened = 0;
  test_store_sync(&t);
  assert_true(n_opened > 0); /* through the VFS of the host */
  /* Both files are no longer fresh; the own one has been touched once, since it
  ** has the acknowledgement of the same second. */
  for (i = 0; i < 2; i++) {
    sleep(2);
    usleep(200000);
    test_store_sync(&t);
  }
  n_opened = 0;
  test_store_sync(&t);
  assert_int_equal(n_opened, 0);
  assert_int_equal(test_store_sync(&t), 0);
  make_log(state, "phone", 1, "abcd");
  n_opened = 0;
  assert_int_equal(test_store_sync(&t), 1);
  assert_true(n_opened > 0);
  test_store_close(&t);
  sqlite3_vfs_unregister(&counting_vfs);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(every_row_of_every_device_is_merged),
    test_in_folder(reading_continues_where_it_ended),
    test_in_folder(seen_rows_are_merged_and_not_counted),
    test_in_folder(half_a_transaction_waits),
    test_in_folder(a_file_that_is_arriving_waits),
    test_in_folder(an_older_copy_removes_nothing),
    test_in_folder(another_log_in_its_place_is_read_from_the_beginning),
    test_in_folder(an_older_copy_of_an_older_log_removes_nothing),
    test_in_folder(an_older_log_that_grows_is_read_from_the_beginning),
    test_in_folder(an_older_log_that_came_late_is_replaced_again),
    test_in_folder(
      another_history_under_the_same_id_is_read_from_the_beginning),
    test_in_folder(a_rewritten_log_that_does_not_verify_takes_nothing_away),
    test_in_folder(a_damaged_tail_only_loses_the_tail),
    test_in_folder(strange_files_are_reported_and_not_read),
    test_in_folder(a_missing_directory_forgets_nothing),
    test_in_folder(a_bad_file_stops_no_other_device),
    test_in_folder(without_the_folder_a_sync_fails),
    test_in_folder(inside_a_transaction_a_sync_is_part_of_it),
    test_in_folder(a_transaction_that_has_written_merges_nothing),
    test_in_folder(an_observer_changes_nothing_in_the_folder),
    test_in_folder(other_devices_files_are_not_touched),
    test_in_folder(a_write_comes_after_what_was_merged),
    test_in_folder(an_idle_log_is_not_opened),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
