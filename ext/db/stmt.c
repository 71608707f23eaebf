/*
** Prepared statements of one store. See stmt.h.
**
** A hole is a word in braces. Shadow tables are named like their hole, with
** the virtual table's name and an underscore before it. {value c} is filled by
** another text, in which {row} is c.
*/
#include "stmt.h"

#include <string.h>

#include "error.h"
#include "host.h"

/* What holes are filled with. */
typedef struct stmt_filling {
  const char *schema;
  const char *name;
  const char *row; /* n_row bytes: {row} */
  int n_row;
} stmt_filling;

/* A text without the comment before and the semicolon after. */
static const char *stmt_bare(kv_sql id, const char *begin, int *n) {
  const char *z = strstr(kv_sql_text(id), begin);

  *n = (int)strlen(z);
  while (*n > 0 && strchr(";\n\r ", z[*n - 1]))
    (*n)--;
  return z;
}

static int stmt_hole_is(const char *hole, int n, const char *word) {
  return n == (int)strlen(word) && strncmp(hole, word, (size_t)n) == 0;
}

/* Append n bytes of a text with its holes filled. */
static void stmt_fill(sqlite3_str *out, const char *z, int n,
                      const stmt_filling *filling) {
  const char *end = z + n;
  const char *open;

  while ((open = memchr(z, '{', (size_t)(end - z))) != NULL) {
    const char *hole = open + 1;

    n = (int)strcspn(hole, "}");
    sqlite3_str_append(out, z, (int)(open - z));
    z = hole + n + 1;
    if (stmt_hole_is(hole, n, "schema")) {
      sqlite3_str_appendf(out, "\"%w\"", filling->schema);
    } else if (stmt_hole_is(hole, n, "table")) {
      sqlite3_str_appendf(out, "\"%w\".\"%w\"", filling->schema, filling->name);
    } else if (stmt_hole_is(hole, n, "row")) {
      sqlite3_str_append(out, filling->row, filling->n_row);
    } else if (strncmp(hole, "value ", 6) == 0) {
      stmt_filling inner = {filling->schema, filling->name, hole + 6, n - 6};
      const char *value = stmt_bare(KV_SQL_ROW_VALUE, "CASE", &n);

      stmt_fill(out, value, n, &inner);
    } else {
      sqlite3_str_appendf(out, "\"%w\".\"%w_%.*s\"", filling->schema,
                          filling->name, n, hole);
    }
  }
  sqlite3_str_append(out, z, (int)(end - z));
}

char *kv_stmt_text(kv_sql id, const char *schema, const char *name) {
  stmt_filling filling = {schema, name, "", 0};
  sqlite3_str *out = sqlite3_str_new(NULL);
  const char *z = kv_sql_text(id);

  stmt_fill(out, z, (int)strlen(z), &filling);
  return sqlite3_str_finish(out);
}

const char *kv_stmt_create_text(kv_sql id, int *n) {
  return stmt_bare(id, "CREATE TABLE ", n);
}

int kv_stmt_prepare(sqlite3 *db, kv_sql id, sqlite3_stmt **out) {
  return sqlite3_prepare_v2(db, kv_sql_text(id), -1, out, NULL);
}

int kv_stmt_declare(sqlite3 *db, kv_sql id, char **err) {
  int n;
  int rc = kv_host_check_limits(db, err);

  if (rc != SQLITE_OK) return rc;
  rc = sqlite3_declare_vtab(db, kv_stmt_create_text(id, &n));
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
** reaches a virtual table, but those that read kv_rows.
*/
static unsigned stmt_flags(kv_sql id) {
  unsigned flags = SQLITE_PREPARE_PERSISTENT;

  if (id != KV_SQL_CACHE_MERGE && id != KV_SQL_SEEN_MERGE &&
      id != KV_SQL_CACHE_PUT_LATE && id != KV_SQL_LARGE_PUT) {
    flags |= SQLITE_PREPARE_NO_VTAB;
  }
  return flags;
}

int kv_stmt_n_prepared(const kv_stmts *stmts, kv_sql id) {
  sqlite3_stmt *stmt = stmts->kept[id];

  return stmt ? sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_REPREPARE, 0) : 0;
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

int kv_stmt_end(sqlite3_stmt *stmt) {
  int rc;

  do
    rc = sqlite3_step(stmt);
  while (rc == SQLITE_ROW);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int kv_stmt_finish(kv_stmts *stmts, kv_sql id, sqlite3_stmt *stmt, int rc) {
  if (rc == SQLITE_OK) rc = kv_stmt_end(stmt);
  kv_stmt_put(stmts, id, stmt);
  return rc;
}

int kv_stmt_exec(kv_stmts *stmts, kv_sql id) {
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_get(stmts, id, &stmt);
  return kv_stmt_finish(stmts, id, stmt, rc);
}

void kv_stmt_permit(kv_stmts *stmts, int *is_forbidden) {
  sqlite3_stmt *stmt = NULL;

  *is_forbidden = kv_stmt_get(stmts, KV_SQL_QUERY_ONLY, &stmt) == SQLITE_OK &&
                  sqlite3_step(stmt) == SQLITE_ROW &&
                  sqlite3_column_int(stmt, 0) &&
                  kv_stmt_run(stmts->db, KV_SQL_QUERY_ONLY_OFF) == SQLITE_OK;
  kv_stmt_put(stmts, KV_SQL_QUERY_ONLY, stmt);
}

int kv_stmt_forbid(kv_stmts *stmts, int is_forbidden, int rc) {
  int rc2 =
    is_forbidden ? kv_stmt_run(stmts->db, KV_SQL_QUERY_ONLY_ON) : SQLITE_OK;

  return rc == SQLITE_OK ? rc2 : rc;
}

void kv_stmt_clear(kv_stmts *stmts) {
  int i;

  for (i = 0; i < KV_SQL_COUNT; i++) {
    sqlite3_finalize(stmts->kept[i]);
    stmts->kept[i] = NULL;
  }
}
