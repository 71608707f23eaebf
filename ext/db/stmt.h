/*
** Prepared statements of one store: each is made once from a text in sql/, and
** kept.
**
** A statement that is in use is not in its slot, so two cursors of one table
** never share one: the second gets its own.
**
** INVARIANT: every statement that kv_stmt_get() gave comes back through
** kv_stmt_put(), and none is out when the set is closed.
*/
#ifndef KV_DB_STMT_H
#define KV_DB_STMT_H

#include "kv_sql.h"
#include "sqlite.h"

/* A hole of a typed table, {name}, and what is in it. */
typedef struct kv_stmt_hole {
  const char *name; /* NULL: the end of a list */
  char *text;
} kv_stmt_hole;

typedef struct kv_stmts {
  sqlite3 *db;        /* borrowed */
  const char *schema; /* borrowed: of the virtual table */
  const char *name;   /* borrowed: of the virtual table */
  sqlite3_stmt *kept[KV_SQL_COUNT];
  const kv_stmt_hole *more; /* borrowed: of a typed table; NULL: of a store */
} kv_stmts;

/*
** What the holes of a text stand for. A store is a virtual table, schema.name;
** its shadow tables are schema.name_cache and so on.
**
**     {table}        the virtual table          {schema}      its schema
**     {cache}        a shadow table: cursor, seen, arrival, meta, ...
**     {cache.name}   its name without the schema, as some statements want it
**     {cache.index}  its index, which `index` makes unique
**     {old.cache}    the shadow table of another store
**     {options}      a text, unchanged
**     {columns}      and others of a typed table, whose columns the user declares
**
** All other holes are filled when the build is configured (cmake/sql.cmake).
*/
typedef struct kv_stmt_holes {
  const char *schema;
  const char *name;
  const char *old_schema; /* NULL: the text is about one store */
  const char *old_name;
  unsigned index;
  const char *options;
  const kv_stmt_hole *more;
} kv_stmt_holes;

/* The text with its holes filled. For sqlite3_free(); NULL: no memory. */
char *kv_stmt_fill(kv_sql id, const kv_stmt_holes *holes);

/* The same for a text about one store. */
char *kv_stmt_text(kv_sql id, const char *schema, const char *name);

/* Run such a text, which may be several statements, on a connection. */
int kv_stmt_exec_filled(sqlite3 *db, kv_sql id, const kv_stmt_holes *holes);

/*
** A CREATE statement as sqlite_schema keeps it: without the comment before
** and the semicolon after. Borrowed; *n is its length in bytes.
*/
const char *kv_stmt_create_text(kv_sql id, int *n);

/* Prepare a text without holes on any connection. */
int kv_stmt_prepare(sqlite3 *db, kv_sql id, sqlite3_stmt **out);

/* Declare a virtual table by a CREATE text: from its xConnect only. An error
** has a message: an authorizer may deny it. */
int kv_stmt_declare(sqlite3 *db, kv_sql id, char **err);

/* Run a text without holes and without results on any connection. */
int kv_stmt_run(sqlite3 *db, kv_sql id);

/*
** True if the connection was interrupted, or its progress handler stops it.
** `poll` is its KV_SQL_POLL; NULL: do not check.
*/
int kv_stmt_is_stopped(sqlite3_stmt *poll);

/*
** How often SQLite has prepared a kept statement again because a schema had
** changed.
*/
int kv_stmt_n_prepared(const kv_stmts *stmts, kv_sql id);

/* A statement, reset and unbound, for kv_stmt_put(): see run.h. */
int kv_stmt_get(kv_stmts *stmts, kv_sql id, sqlite3_stmt **out);

/*
** A statement that is not kept, for sqlite3_finalize(): one on the virtual
** table itself, which would keep that from being disconnected.
*/
int kv_stmt_once(kv_stmts *stmts, kv_sql id, sqlite3_stmt **out);

/* Return a statement: it is reset, and kept or finalized. NULL is fine. */
void kv_stmt_put(kv_stmts *stmts, kv_sql id, sqlite3_stmt *stmt);

/*
** Step a statement to its end. If the host has PRAGMA count_changes = 1, one
** that writes returns a row, too, and is done only after it.
*/
int kv_stmt_end(sqlite3_stmt *stmt);

/* Get, step and put a statement without parameters. */
int kv_stmt_exec(kv_stmts *stmts, kv_sql id);

/*
** Allow writing although the host has forbidden it since (PRAGMA query_only):
** what it wrote before has to reach the cache. Then forbid it again, with what
** the first call noted. kv_stmt_forbid() returns rc, the result of what was
** done in between, or, if rc is not an error, its own.
*/
void kv_stmt_permit(kv_stmts *stmts, int *is_forbidden);
int kv_stmt_forbid(kv_stmts *stmts, int is_forbidden, int rc);

/* Finalize all that is kept; the set can be used again. */
void kv_stmt_clear(kv_stmts *stmts);

#endif
