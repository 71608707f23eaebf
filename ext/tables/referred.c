/*
** Foreign keys of ordinary tables to {name}_data. See referred.h.
*/
#include "referred.h"

#include "db/error.h"
#include "db/run.h"

static int referred_refuse(kv_typed *typed, int in_any_case, char **err) {
  int is_on = 0;
  kv_run run;

  sqlite3_db_config(typed->db, SQLITE_DBCONFIG_ENABLE_FKEY, -1, &is_on);
  if (!is_on) return SQLITE_OK;
  kv_run_begin(&run, &typed->stmts, KV_SQL_REFERRED_BY);
  kv_run_text(&run, typed->schema);
  kv_run_text(&run, typed->name);
  kv_run_int(&run, in_any_case);
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

int kv_referred_refuse(kv_typed *typed, char **err) {
  return referred_refuse(typed, 0, err);
}

int kv_referred_refuse_deferred(kv_typed *typed, char **err) {
  int is_open = 0;
  int unused;
  int rc = sqlite3_db_status(typed->db, SQLITE_DBSTATUS_DEFERRED_FKS, &is_open,
                             &unused, 0);

  return rc == SQLITE_OK && is_open ? referred_refuse(typed, 1, err) : rc;
}
