/*
** Prepared statements of one store. See stmt.h.
*/
#include "stmt.h"

#include <string.h>

#include "error.h"
#include "host.h"

static int stmt_starts_with(const char *z, const char *word) {
  return strncmp(z, word, strlen(word)) == 0;
}

/* Append a hole of a typed table, if it is one. */
static int stmt_fill_more(sqlite3_str *out, const char *hole,
                          const kv_stmt_hole *more) {
  for (; more && more->name; more++) {
    size_t n = strlen(more->name);

    if (strncmp(hole, more->name, n) != 0 || hole[n] != '}') continue;
    sqlite3_str_appendall(out, more->text);
    return 1;
  }
  return 0;
}

/* Append what a hole stands for; `hole` points after its brace. */
static void stmt_fill(sqlite3_str *out, const char *hole,
                      const kv_stmt_holes *holes) {
  int is_old = stmt_starts_with(hole, "old.");
  const char *schema = is_old ? holes->old_schema : holes->schema;
  const char *name = is_old ? holes->old_name : holes->name;
  const char *table = is_old ? hole + 4 : hole;
  int n_table = (int)strcspn(table, ".}");
  int has_schema = !stmt_starts_with(table + n_table, ".name");

  if (stmt_fill_more(out, hole, holes->more)) return;
  if (stmt_starts_with(hole, "options}")) {
    if (holes->options) sqlite3_str_appendall(out, holes->options);
  } else if (stmt_starts_with(table, "schema}")) {
    sqlite3_str_appendf(out, "\"%w\"", schema);
  } else {
    if (has_schema) sqlite3_str_appendf(out, "\"%w\".", schema);
    sqlite3_str_appendf(out, "\"%w", name);
    if (!stmt_starts_with(table, "table")) {
      sqlite3_str_appendf(out, "_%.*s", n_table, table);
    }
    if (stmt_starts_with(table + n_table, ".index")) {
      sqlite3_str_appendf(out, "_%08x", holes->index);
    }
    sqlite3_str_appendall(out, "\"");
  }
}

char *kv_stmt_fill(kv_sql id, const kv_stmt_holes *holes) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  const char *z = kv_sql_text(id);
  const char *open;

  while ((open = strchr(z, '{')) != NULL) {
    sqlite3_str_append(out, z, (int)(open - z));
    stmt_fill(out, open + 1, holes);
    z = open + strcspn(open, "}") + 1;
  }
  sqlite3_str_appendall(out, z);
  return sqlite3_str_finish(out);
}

char *kv_stmt_text(kv_sql id, const char *schema, const char *name) {
  kv_stmt_holes holes = {schema, name, NULL, NULL, 0, NULL, NULL};

  return kv_stmt_fill(id, &holes);
}

int kv_stmt_exec_filled(sqlite3 *db, kv_sql id, const kv_stmt_holes *holes) {
  char *text = kv_stmt_fill(id, holes);
  int rc = text ? sqlite3_exec(db, text, NULL, NULL, NULL) : SQLITE_NOMEM;

  sqlite3_free(text);
  return rc;
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
  kv_stmt_holes holes = {
    .schema = stmts->schema, .name = stmts->name, .more = stmts->more};
  char *text = kv_stmt_fill(id, &holes);
  int rc = SQLITE_NOMEM;

  *out = NULL;
  if (text) rc = sqlite3_prepare_v3(stmts->db, text, -1, flags, out, NULL);
  sqlite3_free(text);
  return rc;
}

/*
** A hostile database may have views instead of the shadow tables, with triggers
** that lead back here. So no statement on shadow tables reaches a virtual
** table, except those that read kv_rows, and those on the rows of typed tables:
** a user's triggers on these may write to a table of FTS5.
*/
static unsigned stmt_flags(const kv_stmts *stmts, kv_sql id) {
  unsigned flags = SQLITE_PREPARE_PERSISTENT;

  if (!stmts->more && id != KV_SQL_CACHE_MERGE &&
      id != KV_SQL_CACHE_MERGE_MISSING && id != KV_SQL_SEEN_MERGE &&
      id != KV_SQL_PUT_LATE && id != KV_SQL_PUT_LATE_BUCKET &&
      id != KV_SQL_CACHE_SWEEP) {
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
  return stmt_make(stmts, id, stmt_flags(stmts, id), out);
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

int kv_stmt_exec(kv_stmts *stmts, kv_sql id) {
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_get(stmts, id, &stmt);

  if (rc == SQLITE_OK) rc = kv_stmt_end(stmt);
  kv_stmt_put(stmts, id, stmt);
  return rc;
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
  return is_forbidden
           ? kv_first_error(rc, kv_stmt_run(stmts->db, KV_SQL_QUERY_ONLY_ON))
           : rc;
}

void kv_stmt_clear(kv_stmts *stmts) {
  int i;

  for (i = 0; i < KV_SQL_COUNT; i++) {
    sqlite3_finalize(stmts->kept[i]);
    stmts->kept[i] = NULL;
  }
}
