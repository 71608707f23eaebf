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

#include "db/host.h"
#include "db/stmt.h"
#include "rows/rows.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"
#include "support/rc.h"

static int starts_with(const char *name, const char *with) {
  return strncmp(name, with, strlen(with)) == 0;
}

/* Is it on the tables behind a typed table? */
static int is_on_a_typed_table(kv_sql id) {
  static const char *const names[] = {
    "typed_",        "change_",           "rules_exists",
    "settle_update", "lens_check",        "violations_hidden",
    "alter_",        "referred_",         "check_",
    "buckets_rows",  "violations_unique", "violations_foreign"};
  size_t i;

  for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    if (starts_with(kv_sql_name(id), names[i])) return 1;
  return 0;
}

/*
** The text with its holes filled: the store is temp.kv, the other temp.old, and
** the typed table temp.t.
*/
static char *fill(kv_sql id) {
  static char texts[][40] = {"id, name",
                             "?, ?",
                             "name = excluded.name",
                             "id",
                             "id = ?",
                             "(id TEXT PRIMARY KEY, name TEXT)",
                             "t_data_9",
                             "1",
                             "id, name",
                             " WHERE name = ?1 ORDER BY id",
                             "name = ?",
                             "t",
                             "name",
                             "name IS NOT NULL",
                             "temp.t_data",
                             "p.id = +c.name",
                             "CAST(? AS TEXT) AS id, ? AS name",
                             "(name <> '') IS NOT FALSE",
                             "id TEXT PRIMARY KEY",
                             "id TEXT, name TEXT",
                             "as_of",
                             "ts HIDDEN"};
  static const kv_stmt_hole more[] = {
    {"columns", texts[0]},      {"values", texts[1]},
    {"assignments", texts[2]},  {"key", texts[3]},
    {"match", texts[4]},        {"definition", texts[5]},
    {"number", texts[6]},       {"literal", texts[7]},
    {"list", texts[8]},         {"rest", texts[9]},
    {"where", texts[10]},       {"target", texts[11]},
    {"column", texts[12]},      {"changes", texts[10]},
    {"group", texts[12]},       {"known", texts[13]},
    {"parent", texts[14]},      {"matched", texts[15]},
    {"casts", texts[16]},       {"checks", texts[17]},
    {"declaration", texts[18]}, {"defined", texts[19]},
    {"as_of", texts[20]},       {"row_key", texts[3]},
    {"stamps", texts[21]},      {NULL, NULL}};
  kv_stmt_holes holes = {"temp", "kv", "temp", "old", 1, "'m', device='a'",
                         more};

  if (is_on_a_typed_table(id)) holes.name = holes.old_name = "t";
  if (id == KV_SQL_TYPED_RENAME) holes.name = "new";
  if (id == KV_SQL_CACHE_RENAME || id == KV_SQL_TABLE_OPEN ||
      id == KV_SQL_ALTER_CREATE) {
    holes.name = "new"; /* it is to be made */
  }
  if (id == KV_SQL_CACHE_KEEP || id == KV_SQL_CACHE_KEEP_ROWS ||
      id == KV_SQL_CACHE_KEEP_ROWS_13) {
    holes.old_name = "new";
  }
  if (id == KV_SQL_CACHE_KEEP_ROWS_13) holes.name = "format_13";
  return kv_stmt_fill(id, &holes);
}

static int is_on_a_log(const char *name) {
  return strncmp(name, "foreign_", 8) == 0 || strcmp(name, "log_append") == 0 ||
         strcmp(name, "log_append_rows") == 0 ||
         strcmp(name, "log_put_device") == 0 ||
         strcmp(name, "log_take_over") == 0 || strcmp(name, "log_empty") == 0 ||
         strcmp(name, "log_go_on") == 0 || strcmp(name, "log_restart") == 0 ||
         strcmp(name, "log_is_emptied") == 0;
}

/* Does it create something that already exists? */
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

/* A function of the host. */
static void other(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  (void)argc;
  (void)argv;
  sqlite3_result_int(ctx, 0);
}

/* Fail if a host may replace a function that a text calls: what the parser asks
** the authorizer about. kv_compaction only estimates how many bytes go. */
static int is_guarded(void *text, int action, const char *x, const char *name,
                      const char *schema, const char *trigger) {
  sqlite3 *host;

  (void)x, (void)schema, (void)trigger;
  if (action != SQLITE_FUNCTION || starts_with(name, "kv_")) return SQLITE_OK;
  if (strcmp(text, "compaction") == 0 && strcmp(name, "length") == 0) {
    return SQLITE_OK;
  }
  assert_rc(sqlite3_open(":memory:", &host), SQLITE_OK);
  assert_rc(sqlite3_create_function(host, name, -1, SQLITE_UTF8, NULL, other,
                                    NULL, NULL),
            SQLITE_OK);
  if (kv_host_check_functions(host, NULL) != SQLITE_ERROR) {
    print_error("%s() may be replaced\n", name);
    fail();
  }
  sqlite3_close(host);
  return SQLITE_OK;
}

static void every_text_is_prepared_where_it_runs(void **state) {
  sqlite3 *db = test_connect(":memory:");
  test_log log;
  int i;

  test_run(db, "CREATE VIRTUAL TABLE temp.kv USING kv('%q/n.kv', device='a')",
           *state);
  test_run(db, "CREATE VIRTUAL TABLE temp.old USING kv('%q/n.kv', device='b')",
           *state);
  test_run(db, "CREATE VIRTUAL TABLE temp.t USING kv_table(id TEXT PRIMARY "
               "KEY, name TEXT)");
  test_run(db, "CREATE TEMP TABLE format_13_cache(is_old, bucket, key, ts, "
               "device, seq, txn, parent_ts, op, arrived, large, value)");
  test_log_begin(&log, test_path("%s/log.db", *state), "a", 1);
  assert_rc(kv_rows_register(log.db, 1), SQLITE_OK);
  /* A log of PARStore 1, beside ours: parstore_rows. */
  test_run(db, "CREATE TABLE ZLOG(Z_PK INTEGER PRIMARY KEY, ZPARENTTIMESTAMP, "
               "ZTIMESTAMP, ZKEY, ZBLOB)");
  for (i = 0; i < KV_SQL_COUNT; i++) {
    const char *name = kv_sql_name((kv_sql)i);
    char *text = fill((kv_sql)i);

    /* ALTER TABLE calls functions of its own. */
    sqlite3_set_authorizer(db, strstr(text, "ALTER") ? NULL : is_guarded,
                           (void *)name);
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

/* Newer versions of SQLite can be told to refuse comments. */
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
** A text as SQLite runs it: parameters are bound by number, so neither their
** names nor spaces matter.
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

static void no_text_exists_twice(void **state) {
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
    cmocka_unit_test(no_text_exists_twice),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
