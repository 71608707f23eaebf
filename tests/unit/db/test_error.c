#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/error.h"
#include "support/connection.h"
#include "support/rc.h"

static void a_message_has_our_prefix(void **state) {
  char *err = NULL;

  (void)state;
  assert_rc(kv_error(&err, SQLITE_CANTOPEN, "no %s at %d", "x", 5),
            SQLITE_CANTOPEN);
  assert_string_equal(err, "kv: no x at 5");
  sqlite3_free(err);
}

static void the_first_message_is_kept(void **state) {
  char *err = NULL;

  (void)state;
  kv_error(&err, SQLITE_ERROR, "first");
  assert_rc(kv_error(&err, SQLITE_BUSY, "second"), SQLITE_BUSY);
  assert_string_equal(err, "kv: first");
  sqlite3_free(err);
}

static void an_unwanted_message_is_not_made(void **state) {
  sqlite3_int64 used = sqlite3_memory_used();

  (void)state;
  assert_rc(kv_error(NULL, SQLITE_ERROR, "%d", 1), SQLITE_ERROR);
  assert_int_equal(sqlite3_memory_used(), used);
}

static void sqlites_message_follows_what_was_done(void **state) {
  sqlite3 *db = test_connect(":memory:");
  char *err = NULL;
  int rc = test_try(db, "SELECT * FROM absent");

  (void)state;
  assert_rc(kv_error_db(&err, rc, db, "cannot read"), SQLITE_ERROR);
  assert_string_equal(err, "kv: cannot read: no such table: absent");
  sqlite3_free(err);
  test_disconnect(db);
}

static void our_own_message_is_not_wrapped(void **state) {
  sqlite3 *db = test_connect(":memory:");
  char *err = NULL;
  int rc = test_try(db, "SELECT kv_sync()");

  (void)state;
  assert_rc(kv_error_db(&err, rc, db, "cannot read"), SQLITE_ERROR);
  assert_string_equal(err, "kv: there is no store named kv: open one first, "
                           "SELECT kv_open('folder', 'device')");
  sqlite3_free(err);
  test_disconnect(db);
}

static void constraints_keep_the_message_of_a_table(void **state) {
  sqlite3 *db = test_connect(":memory:");
  char *err = NULL;
  int rc;

  (void)state;
  test_run(db, "CREATE TABLE t(x NOT NULL)");
  rc = test_try(db, "INSERT INTO t VALUES(NULL)");
  assert_rc(kv_error_db(&err, rc, db, "cannot write"),
            SQLITE_CONSTRAINT_NOTNULL);
  assert_string_equal(err, "NOT NULL constraint failed: t.x");
  sqlite3_free(err);
  test_disconnect(db);
}

static void out_of_memory_and_interrupts_have_no_message(void **state) {
  sqlite3 *db = test_connect(":memory:");
  char *err = NULL;

  (void)state;
  assert_rc(kv_error_db(&err, SQLITE_NOMEM, db, "x"), SQLITE_NOMEM);
  assert_rc(kv_error_db(&err, SQLITE_INTERRUPT, db, "x"), SQLITE_INTERRUPT);
  assert_null(err);
  test_disconnect(db);
}

static void an_older_error_of_the_connection_is_not_reported(void **state) {
  sqlite3 *db = test_connect(":memory:");
  char *err = NULL;

  (void)state;
  test_try(db, "SELECT * FROM absent");
  assert_rc(kv_error_db(&err, SQLITE_FULL, db, "cannot write"), SQLITE_FULL);
  assert_string_equal(err, "kv: cannot write: database or disk is full");
  sqlite3_free(err);
  test_disconnect(db);
}

static void a_message_is_quoted_without_its_prefix(void **state) {
  char *err = NULL;

  (void)state;
  kv_error(&err, SQLITE_FULL, "cannot write %s", "x");
  assert_string_equal(kv_error_reason(err, SQLITE_FULL), "cannot write x");
  assert_string_equal(kv_error_reason("UNIQUE", SQLITE_CONSTRAINT), "UNIQUE");
  assert_string_equal(kv_error_reason(NULL, SQLITE_FULL),
                      sqlite3_errstr(SQLITE_FULL));
  sqlite3_free(err);
}

static void memory_is_zeroed(void **state) {
  unsigned char *p = kv_zalloc(1000);
  int i;

  (void)state;
  assert_non_null(p);
  for (i = 0; i < 1000; i++)
    assert_int_equal(p[i], 0);
  sqlite3_free(p);
}

static void text_is_copied_and_null_stays_null(void **state) {
  char text[] = "text with % in it";
  char *copy = kv_strdup(text);

  (void)state;
  text[0] = 'T';
  assert_string_equal(copy, "text with % in it");
  assert_null(kv_strdup(NULL));
  sqlite3_free(copy);
}

static void private_codes_differ_and_are_corrupt_to_sqlite(void **state) {
  static const int codes[] = {KV_GAP, KV_REFUSED, KV_DAMAGED};
  int i;

  (void)state;
  for (i = 0; i < 3; i++) {
    assert_rc(kv_error_public(codes[i]), SQLITE_CORRUPT);
    assert_string_equal(sqlite3_errstr(codes[i]),
                        sqlite3_errstr(SQLITE_CORRUPT));
    assert_true(codes[i] != codes[(i + 1) % 3]);
  }
  assert_rc(kv_error_public(SQLITE_OK), SQLITE_OK);
  assert_rc(kv_error_public(SQLITE_CORRUPT_VTAB), SQLITE_CORRUPT_VTAB);
}

static void the_first_of_two_errors_counts(void **state) {
  (void)state;
  assert_rc(kv_first_error(SQLITE_OK, SQLITE_OK), SQLITE_OK);
  assert_rc(kv_first_error(SQLITE_FULL, SQLITE_IOERR), SQLITE_FULL);
  assert_rc(kv_first_error(SQLITE_FULL, SQLITE_OK), SQLITE_FULL);
  assert_rc(kv_first_error(SQLITE_OK, SQLITE_IOERR), SQLITE_IOERR);
  assert_rc(kv_first_error(SQLITE_ROW, SQLITE_OK), SQLITE_ROW);
  assert_rc(kv_first_error(SQLITE_DONE, SQLITE_OK), SQLITE_DONE);
  assert_rc(kv_first_error(SQLITE_ROW, SQLITE_NOMEM), SQLITE_NOMEM);
  assert_rc(kv_first_error(SQLITE_DONE, SQLITE_NOMEM), SQLITE_NOMEM);
  assert_rc(kv_first_error(SQLITE_OK, SQLITE_DONE), SQLITE_OK);
}

static void what_can_be_put_off_is_no_error(void **state) {
  char *err = NULL;

  (void)state;
  assert_rc(kv_error_put_off(&err, SQLITE_OK, NULL), SQLITE_OK);
  assert_rc(
    kv_error_put_off(&err, SQLITE_IOERR_WRITE, sqlite3_mprintf("kv: the disk")),
    SQLITE_OK);
  assert_null(err);
  assert_rc(
    kv_error_put_off(&err, SQLITE_CORRUPT, sqlite3_mprintf("kv: broken")),
    SQLITE_CORRUPT);
  assert_string_equal(err, "kv: broken");
  sqlite3_free(err);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_message_has_our_prefix),
    cmocka_unit_test(the_first_message_is_kept),
    cmocka_unit_test(an_unwanted_message_is_not_made),
    cmocka_unit_test(sqlites_message_follows_what_was_done),
    cmocka_unit_test(our_own_message_is_not_wrapped),
    cmocka_unit_test(constraints_keep_the_message_of_a_table),
    cmocka_unit_test(out_of_memory_and_interrupts_have_no_message),
    cmocka_unit_test(an_older_error_of_the_connection_is_not_reported),
    cmocka_unit_test(a_message_is_quoted_without_its_prefix),
    cmocka_unit_test(private_codes_differ_and_are_corrupt_to_sqlite),
    cmocka_unit_test(the_first_of_two_errors_counts),
    cmocka_unit_test(what_can_be_put_off_is_no_error),
    cmocka_unit_test(memory_is_zeroed),
    cmocka_unit_test(text_is_copied_and_null_stays_null),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
