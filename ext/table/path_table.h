/*
** Tables over a path that is given as an argument, or under a name:
**
**     SELECT * FROM kv_foreign('.../log.db');
**     CREATE VIRTUAL TABLE temp.phone USING kv_foreign('.../log.db');
**
** What kv_foreign and kv_parstore share. They open files, so only the user's
** own statements and temporary views may use them.
*/
#ifndef KV_TABLE_PATH_TABLE_H
#define KV_TABLE_PATH_TABLE_H

#include "db/stmt.h"

typedef struct kv_path_table {
  sqlite3_vtab base; /* base class: must be first */
  sqlite3 *db;
  char *path; /* of a named table, absolute; NULL: given as an argument */
  const char *example; /* how it is called, for a message */
} kv_path_table;

/*
** xCreate and xConnect of a table that is declared like this. The example, which
** is static, is what the error says if there is no path at all.
*/
int kv_path_table_connect(sqlite3 *db, kv_sql declaration, const char *example,
                          int argc, const char *const *argv, sqlite3_vtab **out,
                          char **err);

/* xDisconnect and xDestroy. */
int kv_path_table_disconnect(sqlite3_vtab *vtab);

/* xBestIndex: `column` is the hidden one of the path. */
int kv_path_table_plan(sqlite3_vtab *vtab, sqlite3_index_info *info,
                       int column);

/* The path of a scan, from the arguments of xFilter. Borrowed. */
int kv_path_table_path(sqlite3_vtab *vtab, int argc, sqlite3_value **argv,
                       const char **out);

#endif
