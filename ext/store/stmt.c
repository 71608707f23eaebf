/*
** Prepared statements of one store. See stmt.h.
**
** A hole is a word in braces. Shadow tables are named like their hole, with
** the virtual table's name and an underscore before it.
*/
#include "stmt.h"

#include <string.h>

#include "error.h"

char *kv_stmt_text(kv_sql id, const char *schema, const char *name) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  const char *z = kv_sql_text(id);
  const char *open;

  while ((open = strchr(z, '{')) != NULL) {
    const char *close = strchr(open, '}');
    int n = (int)(close - open) - 1;

    sqlite3_str_append(out, z, (int)(open - z));
    if (strncmp(open + 1, "schema", 6) == 0) {
      sqlite3_str_appendf(out, "\"%w\"", schema);
    } else if (strncmp(open + 1, "table", 5) == 0) {
      sqlite3_str_appendf(out, "\"%w\".\"%w\"", schema, name);
    } else {
      sqlite3_str_appendf(out, "\"%w\".\"%w_%.*s\"", schema, name, n, open + 1);
    }
    z = close + 1;
  }
  sqlite3_str_appendall(out, z);
  return sqlite3_str_finish(out);
}

const char *kv_stmt_create_text(kv_sql id, int *n) {
  const char *z = strstr(kv_sql_text(id), "CREATE TABLE ");

  *n = (int)strlen(z);
  while (*n > 0 && strchr(";\n\r ", z[*n - 1]))
    (*n)--;
  return z;
}

int kv_stmt_prepare(sqlite3 *db, kv_sql id, sqlite3_stmt **out) {
  return sqlite3_prepare_v2(db, kv_sql_text(id), -1, out, NULL);
}

int kv_stmt_declare(sqlite3 *db, kv_sql id, char **err) {
  int n;
  int rc = sqlite3_declare_vtab(db, kv_stmt_create_text(id, &n));

  return rc == SQLITE_OK ? rc : kv_error_db(err, rc, db, "cannot be declared");
}

int kv_stmt_run(sqlite3 *db, kv_sql id) {
  return sqlite3_exec(db, kv_sql_text(id), NULL, NULL, NULL);
}

int kv_stmt_is_stopped(sqlite3_stmt *poll) {
  int rc = SQLITE_OK;

  if (poll) {
    rc = sqlite3_step(poll);
    sqlite3_reset(poll);
  }
  return rc == SQLITE_INTERRUPT;
}

static int stmt_make(kv_stmts *stmts, kv_sql id, unsigned flags,
                     sqlite3_stmt **out) {
  char *text = kv_stmt_text(id, stmts->schema, stmts->name);
  int rc = SQLITE_NOMEM;

  *out = NULL;
  if (text) rc = sqlite3_prepare_v3(stmts->db, text, -1, flags, out, NULL);
  sqlite3_free(text);
  return rc;
}

/*
** A hostile host database may have views in the place of the shadow tables,
** and triggers on them, which lead back here. So no statement on shadow tables
** reaches a virtual table, but those that read kv_foreign.
*/
static unsigned stmt_flags(kv_sql id) {
  unsigned flags = SQLITE_PREPARE_PERSISTENT;

  if (id != KV_SQL_CACHE_MERGE && id != KV_SQL_SEEN_MERGE &&
      id != KV_SQL_CACHE_PUT_LATE) {
    flags |= SQLITE_PREPARE_NO_VTAB;
  }
  return flags;
}

int kv_stmt_get(kv_stmts *stmts, kv_sql id, sqlite3_stmt **out) {
  *out = stmts->kept[id];
  stmts->kept[id] = NULL;
  if (*out) return SQLITE_OK;
  return stmt_make(stmts, id, stmt_flags(id), out);
}

int kv_stmt_once(kv_stmts *stmts, kv_sql id, sqlite3_stmt **out) {
  return stmt_make(stmts, id, 0, out);
}

void kv_stmt_put(kv_stmts *stmts, kv_sql id, sqlite3_stmt *stmt) {
  if (!stmt) return;
  sqlite3_reset(stmt);
  if (stmts->kept[id]) {
    sqlite3_finalize(stmt);
  } else {
    sqlite3_clear_bindings(stmt);
    stmts->kept[id] = stmt;
  }
}

int kv_stmt_finish(kv_stmts *stmts, kv_sql id, sqlite3_stmt *stmt, int rc) {
  if (rc == SQLITE_OK) {
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_DONE || rc == SQLITE_ROW) rc = SQLITE_OK;
  }
  kv_stmt_put(stmts, id, stmt);
  return rc;
}

int kv_stmt_exec(kv_stmts *stmts, kv_sql id) {
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_get(stmts, id, &stmt);
  return kv_stmt_finish(stmts, id, stmt, rc);
}

void kv_stmt_clear(kv_stmts *stmts) {
  int i;

  for (i = 0; i < KV_SQL_COUNT; i++) {
    sqlite3_finalize(stmts->kept[i]);
    stmts->kept[i] = NULL;
  }
}
