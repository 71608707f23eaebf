/*
** From when on the history is whole. See past.h.
*/
#include "past.h"

#include "core/names.h"
#include "db/error.h"
#include "db/run.h"

/* Columns of past_horizon. */
enum { PAST_HORIZON, PAST_DEVICE };

int kv_past_horizon(kv_stmts *stmts, int64_t *out) {
  kv_run run;

  *out = 0;
  kv_run_begin(&run, stmts, KV_SQL_PAST_HORIZON);
  return kv_run_number(&run, out);
}

/* The error; the time in it is a whole millisecond that is not too early. */
static int past_refuse(sqlite3_stmt *row, char **err) {
  char time[KV_TIME_SIZE];

  kv_time_format(sqlite3_column_int64(row, PAST_HORIZON) + 999, time);
  return kv_error(err, SQLITE_ERROR,
                  "the history before %s is not whole, because device %s has "
                  "compacted its log: ask for that time or a later one",
                  time, sqlite3_column_text(row, PAST_DEVICE));
}

int kv_past_check(kv_stmts *stmts, int64_t ts, char **err) {
  kv_run run;
  int is_whole = 1;
  int rc;

  kv_run_begin(&run, stmts, KV_SQL_PAST_HORIZON);
  if (kv_run_row(&run) && sqlite3_column_int64(run.stmt, PAST_HORIZON) > ts) {
    is_whole = 0;
    past_refuse(run.stmt, err);
  }
  rc = kv_run_close(&run);
  return is_whole ? rc : SQLITE_ERROR;
}
