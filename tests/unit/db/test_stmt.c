#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/stmt.h"
#include "support/connection.h"
#include "support/rc.h"

static kv_stmts stmts_of(sqlite3 *db, const char *schema, const char *name) {
  kv_stmts stmts;

  memset(&stmts, 0, sizeof(stmts));
  stmts.db = db;
  stmts.schema = schema;
  stmts.name = name;
  return stmts;
}

static void holes_are_filled_with_quoted_names(void **state) {
  char *text = kv_stmt_text(KV_SQL_CACHE_FORGET, "main", "kv");

  (void)state;
  assert_string_equal(text, "DELETE FROM \"main\".\"kv_cache\" WHERE device = "
                            ":device;");
  sqlite3_free(text);
  text = kv_stmt_text(KV_SQL_CACHE_FORGET, "we\"ird", "a b'c\"d%");
  assert_non_null(
    strstr(text, "FROM \"we\"\"ird\".\"a b'c\"\"d%_cache\" WHERE"));
  sqlite3_free(text);
}

static void table_and_schema_are_holes_too(void **state) {
  char *text = kv_stmt_text(KV_SQL_TABLE_DELETE, "temp", "notes");

  (void)state;
  assert_non_null(strstr(text, "DELETE FROM \"temp\".\"notes\" WHERE"));
  sqlite3_free(text);
  text = kv_stmt_text(KV_SQL_TABLE_NAMES, "temp", "notes");
  assert_non_null(strstr(text, "FROM \"temp\".sqlite_master"));
  sqlite3_free(text);
}

static void a_text_about_two_stores_names_both(void **state) {
  kv_stmt_holes holes = {
    .schema = "main", .name = "b", .old_schema = "temp", .old_name = "a\"%d"};
  char *text = kv_stmt_fill(KV_SQL_CACHE_RENAME, &holes);

  (void)state;
  assert_non_null(strstr(text, "ALTER TABLE \"temp\".\"a\"\"%d_cursor\" "
                               "RENAME TO \"b_cursor\";"));
  sqlite3_free(text);
  text = kv_stmt_fill(KV_SQL_OWN_UNSHARED, &holes);
  assert_non_null(strstr(text, "FROM \"temp\".\"a\"\"%d_cache\" AS o"));
  assert_non_null(strstr(text, "FROM \"main\".\"b_cache\" AS n"));
  assert_non_null(strstr(text, "FROM \"temp\".\"a\"\"%d_large\" AS"));
  assert_non_null(strstr(text, "FROM \"main\".\"b_large\" AS"));
  sqlite3_free(text);
}

static void bare_names_and_index_names_are_holes_too(void **state) {
  kv_stmt_holes holes = {
    .schema = "main", .name = "n\"", .index = 0xab, .options = "'{cache}', %d"};
  char *text = kv_stmt_fill(KV_SQL_CACHE_INDEX, &holes);

  (void)state;
  assert_string_equal(text, "CREATE INDEX \"main\".\"n\"\"_cache_000000ab\" ON "
                            "\"n\"\"_cache\"(ts, device, seq);");
  sqlite3_free(text);
  text = kv_stmt_fill(KV_SQL_TABLE_OPEN, &holes);
  assert_string_equal(text, "CREATE VIRTUAL TABLE \"main\".\"n\"\"\" USING "
                            "kv('{cache}', %d);");
  sqlite3_free(text);
  text = kv_stmt_text(KV_SQL_TABLE_ANY, NULL, "n\"");
  assert_string_equal(text, "SELECT 1 FROM \"n\"\"\";");
  sqlite3_free(text);
}

static void every_hole_of_every_text_is_filled(void **state) {
  int i;

  (void)state;
  for (i = 0; i < KV_SQL_COUNT; i++) {
    char *text = kv_stmt_text((kv_sql)i, "main", "kv");

    assert_null(strchr(text, '{'));
    assert_null(strchr(text, '}'));
    sqlite3_free(text);
  }
}

static void a_create_text_is_what_sqlite_keeps(void **state) {
  static const kv_sql ids[] = {KV_SQL_LOG_CREATE_DEVICE, KV_SQL_LOG_CREATE_LOG};
  static const char *const names[] = {"device", "log"};
  sqlite3 *db = test_connect(":memory:");
  int i;

  (void)state;
  for (i = 0; i < 2; i++) {
    int n;
    const char *z = kv_stmt_create_text(ids[i], &n);
    char *expected = sqlite3_mprintf("%.*s\n", n, z);
    char *kept;

    assert_rc(kv_stmt_run(db, ids[i]), SQLITE_OK);
    kept =
      test_ask(db, "SELECT sql FROM sqlite_master WHERE name = %Q", names[i]);
    assert_string_equal(kept, expected);
    sqlite3_free(kept);
    sqlite3_free(expected);
  }
  test_disconnect(db);
}

static void a_statement_is_prepared_once_and_kept(void **state) {
  sqlite3 *db = test_connect(":memory:");
  kv_stmts stmts = stmts_of(db, "main", "kv");
  sqlite3_stmt *first = NULL;
  sqlite3_stmt *again = NULL;

  (void)state;
  assert_rc(kv_stmt_get(&stmts, KV_SQL_POLL, &first), SQLITE_OK);
  kv_stmt_put(&stmts, KV_SQL_POLL, first);
  assert_rc(kv_stmt_get(&stmts, KV_SQL_POLL, &again), SQLITE_OK);
  assert_ptr_equal(first, again);
  kv_stmt_put(&stmts, KV_SQL_POLL, again);
  kv_stmt_clear(&stmts);
  test_disconnect(db);
}

static void two_users_at_once_get_two_statements(void **state) {
  sqlite3 *db = test_connect(":memory:");
  kv_stmts stmts = stmts_of(db, "main", "kv");
  sqlite3_stmt *a = NULL;
  sqlite3_stmt *b = NULL;

  (void)state;
  assert_rc(kv_stmt_get(&stmts, KV_SQL_POLL, &a), SQLITE_OK);
  assert_rc(kv_stmt_get(&stmts, KV_SQL_POLL, &b), SQLITE_OK);
  assert_ptr_not_equal(a, b);
  assert_rc(sqlite3_step(a), SQLITE_ROW);
  kv_stmt_put(&stmts, KV_SQL_POLL, b);
  assert_int_equal(sqlite3_column_int(a, 0), 128);
  kv_stmt_put(&stmts, KV_SQL_POLL, a);
  kv_stmt_clear(&stmts);
  test_disconnect(db);
}

static void a_statement_is_reset_and_unbound(void **state) {
  sqlite3 *db = test_connect(":memory:");
  kv_stmts stmts = stmts_of(db, "main", "kv");
  sqlite3_stmt *stmt = NULL;

  (void)state;
  test_run(db, "CREATE TABLE kv_cursor(device); "
               "INSERT INTO kv_cursor VALUES('a'), ('b')");
  test_run(db, "CREATE TABLE kv_cache(device, seq); "
               "INSERT INTO kv_cache VALUES('a', 1), ('a', 2), ('b', 1)");
  assert_rc(kv_stmt_get(&stmts, KV_SQL_OWN_COUNT, &stmt), SQLITE_OK);
  sqlite3_bind_text(stmt, 1, "a", -1, SQLITE_STATIC);
  assert_rc(sqlite3_step(stmt), SQLITE_ROW);
  assert_int_equal(sqlite3_column_int(stmt, 0), 2);
  kv_stmt_put(&stmts, KV_SQL_OWN_COUNT, stmt);
  assert_false(sqlite3_stmt_busy(stmt));

  assert_rc(kv_stmt_get(&stmts, KV_SQL_OWN_COUNT, &stmt), SQLITE_OK);
  assert_rc(sqlite3_step(stmt), SQLITE_ROW);
  assert_int_equal(sqlite3_column_int(stmt, 0), 0);
  kv_stmt_put(&stmts, KV_SQL_OWN_COUNT, stmt);
  kv_stmt_clear(&stmts);
  test_disconnect(db);
}

static void errors_of_sqlite_are_returned(void **state) {
  sqlite3 *db = test_connect(":memory:");
  kv_stmts stmts = stmts_of(db, "main", "kv");
  sqlite3_stmt *stmt = NULL;

  (void)state;
  assert_rc(kv_stmt_get(&stmts, KV_SQL_CURSOR_GET, &stmt), SQLITE_ERROR);
  assert_null(stmt);
  kv_stmt_put(&stmts, KV_SQL_CURSOR_GET, stmt);
  assert_rc(kv_stmt_exec(&stmts, KV_SQL_SAVEPOINT_RELEASE), SQLITE_ERROR);
  assert_rc(kv_stmt_exec(&stmts, KV_SQL_SAVEPOINT), SQLITE_OK);
  assert_false(sqlite3_get_autocommit(db));
  assert_rc(kv_stmt_exec(&stmts, KV_SQL_SAVEPOINT_RELEASE), SQLITE_OK);
  assert_true(sqlite3_get_autocommit(db));
  kv_stmt_clear(&stmts);
  test_disconnect(db);
}

static void a_cleared_set_can_be_used_again(void **state) {
  sqlite3 *db = test_connect(":memory:");
  kv_stmts stmts = stmts_of(db, "main", "kv");

  (void)state;
  assert_rc(kv_stmt_exec(&stmts, KV_SQL_POLL), SQLITE_OK);
  assert_non_null(sqlite3_next_stmt(db, NULL));
  kv_stmt_clear(&stmts);
  assert_null(sqlite3_next_stmt(db, NULL));
  assert_rc(kv_stmt_exec(&stmts, KV_SQL_POLL), SQLITE_OK);
  kv_stmt_clear(&stmts);
  test_disconnect(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(holes_are_filled_with_quoted_names),
    cmocka_unit_test(table_and_schema_are_holes_too),
    cmocka_unit_test(a_text_about_two_stores_names_both),
    cmocka_unit_test(bare_names_and_index_names_are_holes_too),
    cmocka_unit_test(every_hole_of_every_text_is_filled),
    cmocka_unit_test(a_create_text_is_what_sqlite_keeps),
    cmocka_unit_test(a_statement_is_prepared_once_and_kept),
    cmocka_unit_test(two_users_at_once_get_two_statements),
    cmocka_unit_test(a_statement_is_reset_and_unbound),
    cmocka_unit_test(errors_of_sqlite_are_returned),
    cmocka_unit_test(a_cleared_set_can_be_used_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
