#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/handle.h"
#include "log/journal.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"
#include "support/rc.h"

/* A log whose last row does not verify: it may need its journal. */
static const char *make_broken(const char *folder) {
  const char *path = test_log_make(folder);

  test_log_break(path, "UPDATE log SET value = 'x' WHERE seq = 3");
  return path;
}

/* Check the journals of a log; `expected` is part of the message, if any. */
static int check(const char *path, const char *expected) {
  sqlite3 *host = test_connect(":memory:");
  sqlite3 *handle = NULL;
  char *err = NULL;
  int rc;

  assert_rc(kv_handle_write(host, path, 0, 0, &handle), SQLITE_OK);
  rc = kv_journal_check(host, handle, path, 0, &err);
  if (expected) {
    assert_non_null(err);
    assert_non_null(strstr(err, expected));
  } else {
    assert_null(err);
  }
  sqlite3_free(err);
  sqlite3_close(handle);
  test_disconnect(host);
  return rc;
}

static int is_whole(const char *path) {
  sqlite3 *host = test_connect(":memory:");
  int is = -1;

  assert_rc(kv_journal_is_whole(host, path, &is), SQLITE_OK);
  test_disconnect(host);
  return is;
}

static void a_log_is_whole_if_every_row_and_page_is(void **state) {
  const char *path = test_log_make(*state);
  const char *other = test_path("%s/other.db", *state);

  assert_int_equal(is_whole(path), 1);
  test_copy(path, other);
  test_log_break(other, "DELETE FROM log WHERE seq = 3");
  assert_int_equal(is_whole(other), 0);
  test_copy(path, other);
  test_log_break(other, "DELETE FROM log WHERE seq > 2"); /* half of b | c */
  assert_int_equal(is_whole(other), 0);
  test_copy(path, other);
  test_set_byte(other, 39, 1); /* a free page that does not exist */
  assert_int_equal(is_whole(other), 0);
  test_copy(path, other); /* it goes on behind rows that are still there */
  test_log_break(other,
                 "UPDATE device SET base_seq = (SELECT max(seq) FROM log),"
                 "base_sum = (SELECT sum FROM log ORDER BY seq DESC LIMIT 1)");
  assert_int_equal(is_whole(other), 0);
  test_log_break(other, "DELETE FROM log");
  assert_int_equal(is_whole(other), 1);
}

static void a_journal_is_deleted_only_beside_a_log_that_is_whole(void **state) {
  const char *path = test_log_make(*state);
  const char *journal = test_path("%s-journal", path);
  const char *room = test_path("%s.room-journal", path);
  size_t n;
  unsigned char *bytes = test_read(path, &n);

  test_write(journal, "journal", 7);
  test_write(room, "room", 4); /* what the same crash left */
  assert_rc(check(path, NULL), SQLITE_OK);
  assert_false(test_exists(journal));
  assert_false(test_exists(room));
  test_is_kept(path, bytes, n);

  test_remove(path);
  make_broken(*state);
  test_write(journal, "journal", 7);
  assert_rc(check(path, NULL), SQLITE_OK);
  assert_true(test_exists(journal));
}

static void a_journal_that_names_a_super_journal_is_never_ours(void **state) {
  static const char super[] = "named\0\0\0\x05\0\0\0\0"
                              "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7";
  const char *path = make_broken(*state);
  const char *journal = test_path("%s-journal", path);

  test_write(journal, super, sizeof(super) - 1);
  assert_rc(check(path, NULL), SQLITE_OK);
  assert_false(test_exists(journal));
}

static void a_wal_belongs_only_to_a_file_that_says_so(void **state) {
  const char *path = test_log_make(*state);
  const char *wal = test_path("%s-wal", path);
  const char *shm = test_path("%s-shm", path);

  test_write(wal, "wal", 3);
  test_write(shm, "shm", 3);
  assert_rc(check(path, NULL), SQLITE_OK);
  assert_false(test_exists(wal));
  assert_false(test_exists(shm));

  test_set_byte(path, 18, 2);
  test_write(wal, "wal", 3);
  assert_rc(check(path, NULL), SQLITE_OK);
  assert_true(test_exists(wal));
}

static void a_journal_that_cannot_be_judged_stays(void **state) {
  const char *path = test_log_make(*state);
  const char *journal = test_path("%s-journal", path);
  sqlite3 *other = NULL;

  assert_rc(sqlite3_open(path, &other), SQLITE_OK);
  test_run(other, "BEGIN IMMEDIATE; UPDATE device SET host = 'x'");
  assert_true(test_exists(journal));
  assert_rc(check(path, NULL), SQLITE_BUSY);
  assert_true(test_exists(journal));
  test_run(other, "ROLLBACK");
  sqlite3_close(other);

  test_make_folder(journal);
  assert_rc(check(path, "log.db-journal is not a regular file"),
            SQLITE_CANTOPEN);
  assert_true(test_exists(journal));
}

static void the_journal_of_a_new_log_goes_once_it_is_in_place(void **state) {
  sqlite3 *host = test_connect(":memory:");
  const char *path = test_log_make(*state);
  const char *new = test_path("%s.new", path);
  const char *journal = test_path("%s.new-journal", path);

  test_write(new, "new", 3);
  test_write(journal, "journal", 7);
  assert_rc(kv_journal_clear_new(host, path), SQLITE_OK);
  assert_true(test_exists(journal));
  test_remove(new);
  assert_rc(kv_journal_clear_new(host, path), SQLITE_OK);
  assert_false(test_exists(journal));
  assert_true(test_exists(path));
  test_disconnect(host);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(a_log_is_whole_if_every_row_and_page_is),
    test_in_folder(a_journal_is_deleted_only_beside_a_log_that_is_whole),
    test_in_folder(a_journal_that_names_a_super_journal_is_never_ours),
    test_in_folder(a_wal_belongs_only_to_a_file_that_says_so),
    test_in_folder(a_journal_that_cannot_be_judged_stays),
    test_in_folder(the_journal_of_a_new_log_goes_once_it_is_in_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
