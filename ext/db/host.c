/*
** What a store needs from its connection. See host.h.
*/
#include "host.h"

#include <string.h>

#include "error.h"
#include "kv_sql.h"

/* The limits that the texts of sql/ need, for a table with a short name. */
static const struct {
  int id;
  int least;
  const char *name;
} host_limits[] = {
  {SQLITE_LIMIT_LENGTH, 1000, "SQLITE_LIMIT_LENGTH"},
  {SQLITE_LIMIT_SQL_LENGTH, 3000, "SQLITE_LIMIT_SQL_LENGTH"},
  {SQLITE_LIMIT_COLUMN, 25, "SQLITE_LIMIT_COLUMN"},
  {SQLITE_LIMIT_EXPR_DEPTH, 50, "SQLITE_LIMIT_EXPR_DEPTH"},
  {SQLITE_LIMIT_COMPOUND_SELECT, 2, "SQLITE_LIMIT_COMPOUND_SELECT"},
  {SQLITE_LIMIT_VDBE_OP, 1400, "SQLITE_LIMIT_VDBE_OP"},
  {SQLITE_LIMIT_FUNCTION_ARG, 5, "SQLITE_LIMIT_FUNCTION_ARG"},
  {SQLITE_LIMIT_VARIABLE_NUMBER, 25, "SQLITE_LIMIT_VARIABLE_NUMBER"},
};
#define HOST_LIMITS (sizeof(host_limits) / sizeof(host_limits[0]))

/* SQLite's functions that sql/ uses, and the most arguments that it gives. */
static const struct {
  const char *name;
  int most;
} host_functions[] = {{"count", 1},      {"max", 1},    {"min", 1},
                      {"row_number", 0}, {"substr", 3}, {"sum", 1},
                      {"typeof", 1}};
#define HOST_FUNCTIONS (sizeof(host_functions) / sizeof(host_functions[0]))

int kv_host_check_limits(sqlite3 *db, char **err) {
  size_t i;

  for (i = 0; i < HOST_LIMITS; i++) {
    int now = sqlite3_limit(db, host_limits[i].id, -1);

    /* 0 may also stand for none: SQLITE_MAX_EXPR_DEPTH=0 */
    if (now >= host_limits[i].least) continue;
    if (now == 0 && host_limits[i].id == SQLITE_LIMIT_EXPR_DEPTH) continue;
    return kv_error(err, SQLITE_ERROR,
                    "%s of this connection is %d, and a store needs %d: raise "
                    "it with sqlite3_limit()",
                    host_limits[i].name, now, host_limits[i].least);
  }
  return SQLITE_OK;
}

/* Columns of `functions`; the last ones are not in every SQLite. */
enum {
  FUNCTION_NAME,
  FUNCTION_IS_BUILTIN,
  FUNCTION_TYPE,
  FUNCTION_ENCODING,
  FUNCTION_ARGUMENTS
};

/*
** True if a row of PRAGMA function_list is a function of the host that replaces
** one of these. Any number of arguments is -1 there.
*/
static int host_is_other(sqlite3_stmt *row, const char *name) {
  int n = -1;
  size_t i;

  if (!name || sqlite3_column_int(row, FUNCTION_IS_BUILTIN)) return 0;
  if (sqlite3_column_count(row) > FUNCTION_ARGUMENTS) {
    n = sqlite3_column_int(row, FUNCTION_ARGUMENTS);
  }
  for (i = 0; i < HOST_FUNCTIONS; i++) {
    if (sqlite3_stricmp(name, host_functions[i].name) == 0) {
      return n <= host_functions[i].most;
    }
  }
  return 0;
}

int kv_host_check_functions(sqlite3 *db, char **err) {
  sqlite3_stmt *stmt = NULL;
  int rc = SQLITE_OK;

  sqlite3_prepare_v2(db, kv_sql_text(KV_SQL_FUNCTIONS), -1, &stmt, NULL);
  while (stmt && rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
    const char *name = (const char *)sqlite3_column_text(stmt, FUNCTION_NAME);

    if (host_is_other(stmt, name)) {
      rc = kv_error(err, SQLITE_ERROR,
                    "this connection has a function %s() in place of SQLite's "
                    "own, which a store needs: open the store in a connection "
                    "without it",
                    name);
    }
  }
  sqlite3_finalize(stmt);
  return rc;
}

int kv_host_check(sqlite3 *db, char **err) {
  int rc = kv_host_check_limits(db, err);

  return rc == SQLITE_OK ? kv_host_check_functions(db, err) : rc;
}
