/*
** Foreign keys of ordinary tables to {name}_data. See referred.h.
*/
#include "referred.h"

#include "db/error.h"
#include "db/run.h"

int kv_referred_refuse(kv_typed *typed, char **err) {
  int is_on = 0;
  kv_run run;

  sqlite3_db_config(typed->db, SQLITE_DBCONFIG_ENABLE_FKEY, -1, &is_on);
  if (!is_on) return SQLITE_OK;
  kv_run_begin(&run, &typed->stmts, KV_SQL_REFERRED_BY);
  kv_run_text(&run, typed->schema);
  kv_run_text(&run, typed->name);
  if (kv_run_row(&run)) {
    run.rc =
      kv_error(err, SQLITE_CONSTRAINT,
               "table %s has a foreign key to %s_data, where merges "
               "delete rows, and a change of the declaration makes all "
               "of them again: create it without, or set PRAGMA "
               "foreign_keys = OFF",
               (const char *)sqlite3_column_text(run.stmt, 0), typed->name);
  }
  return kv_run_close(&run);
}
