/*
** Every text of sql/ is prepared where it is run: on the host, on a log, or
** on both.
*/
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/stmt.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"
#include "support/rc.h"

/* The text with its holes filled: the store is temp.kv, the other temp.old. */
static char *fill(kv_sql id) {
  kv_stmt_holes holes = {"temp", "kv", "temp", "old", 1, "'m', device='a'"};

  if (id == KV_SQL_CACHE_RENAME || id == KV_SQL_TABLE_OPEN) {
    holes.name = "new"; /* it is to be made */
  }
  if (id == KV_SQL_CACHE_KEEP) holes.old_name = "new";
  return kv_stmt_fill(id, &holes);
}

static int is_on_a_log(const char *name) {
  return strncmp(name, "foreign_", 8) == 0 || strcmp(name, "log_append") == 0 ||
         strcmp(name, "log_put_device") == 0 ||
         strcmp(name, "log_take_over") == 0;
}

/* Creates what is there already. */
static int is_create(const char *text) {
  return strstr(text, "CREATE TABLE") != NULL && strstr(text, " AS\n") == NULL;
}

static void prepare(sqlite3 *db, const char *name, const char *text) {
  int n = 0;

  while (*text) {
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, text, -1, &stmt, &text);

    if (rc != SQLITE_OK) print_error("%s: %s\n", name, sqlite3_errmsg(db));
    assert_rc(rc, SQLITE_OK);
    n += stmt != NULL;
    sqlite3_finalize(stmt);
  }
  assert_true(n > 0);
}

static void every_text_is_prepared_where_it_runs(void **state) {
  sqlite3 *db = test_connect(":memory:");
  test_log log;
  int i;

  test_run(db, "CREATE VIRTUAL TABLE temp.kv USING kv('%q/n.kv', device='a')",
           *state);
  test_run(db, "CREATE VIRTUAL TABLE temp.old USING kv('%q/n.kv', device='b')",
           *state);
  test_log_begin(&log, test_path("%s/log.db", *state), "a", 1);
  /* A log of PARStore 1, beside ours: parstore_rows. */
  test_run(db, "CREATE TABLE ZLOG(Z_PK INTEGER PRIMARY KEY, ZPARENTTIMESTAMP, "
               "ZTIMESTAMP, ZKEY, ZBLOB)");
  for (i = 0; i < KV_SQL_COUNT; i++) {
    const char *name = kv_sql_name((kv_sql)i);
    char *text = fill((kv_sql)i);

    if (is_create(text)) {
      sqlite3 *empty = test_connect(":memory:");
      prepare(empty, name, text);
      test_disconnect(empty);
    } else {
      prepare(is_on_a_log(name) ? log.db : db, name, text);
    }
    sqlite3_free(text);
  }
  test_log_end(&log);
  test_disconnect(db);
}

/* Newer SQLites can be told to refuse comments. */
static void no_text_has_a_comment(void **state) {
  int i;

  (void)state;
  for (i = 0; i < KV_SQL_COUNT; i++) {
    const char *text = kv_sql_text((kv_sql)i);
    const char *z;
    char quote = 0;

    assert_int_equal(text[strlen(text) - 1], ';');
    for (z = text; *z; z++) {
      if (quote ? *z == quote : *z == '\'' || *z == '"') quote ^= *z;
      if (quote) continue;
      assert_memory_not_equal(z, "--", 2);
      assert_memory_not_equal(z, "/*", 2);
    }
  }
}

static void no_text_selects_all_columns(void **state) {
  int i;

  (void)state;
  for (i = 0; i < KV_SQL_COUNT; i++) {
    assert_null(strstr(kv_sql_text((kv_sql)i), "SELECT *"));
  }
}

/*
** A text as SQLite runs it: parameters are bound by their numbers, so their names
** do not count, nor do spaces.
*/
static void squeeze(const char *z, char *out) {
  while (*z) {
    if (isspace((unsigned char)*z)) {
      z++;
    } else if (*z == ':' && isalpha((unsigned char)z[1])) {
      *out++ = *z++;
      while (isalnum((unsigned char)*z) || *z == '_')
        z++;
    } else {
      *out++ = *z++;
    }
  }
  *out = 0;
}

static void no_text_is_there_twice(void **state) {
  static char a[8192], b[8192];
  int i, j;

  (void)state;
  for (i = 0; i < KV_SQL_COUNT; i++) {
    assert_true(strlen(kv_sql_text((kv_sql)i)) < sizeof(a));
    squeeze(kv_sql_text((kv_sql)i), a);
    for (j = 0; j < i; j++) {
      squeeze(kv_sql_text((kv_sql)j), b);
      if (strcmp(a, b) == 0) {
        fail_msg("%s is %s", kv_sql_name((kv_sql)i), kv_sql_name((kv_sql)j));
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(every_text_is_prepared_where_it_runs),
    cmocka_unit_test(no_text_has_a_comment),
    cmocka_unit_test(no_text_selects_all_columns),
    cmocka_unit_test(no_text_is_there_twice),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
