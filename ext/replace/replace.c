/*
** A log takes the place of an earlier generation of it. See replace.h.
**
** First its new rows come, then the others go: so it is known which row that
** goes was still the latest of its key.
**
**     a row that goes has a later one that stays    nothing else happens
**     it is a deletion, and all of its key go       readers of changes from before
**                                                   it start over
**     else: what kv shows changes with it           all readers start over, and
**                                                   typed tables are made again
**
** A compaction leaves only the first two. The third is what a log may do that
** went its own way in between: after its directory came from a backup, for
** example.
*/
#include "replace.h"

#include "cache/values.h"
#include "contest/contest.h"
#include "core/clock.h"
#include "db/run.h"

int kv_replace_read(kv_reader *reader, sqlite3_stmt *poll, kv_kept *kept,
                    kv_stretch *out) {
  const kv_row *row;
  const char *reason;
  int rc =
    kv_reader_start(reader, kv_log_start(kv_reader_head(reader)), INT64_MAX);

  kv_reader_watch(reader, INT64_MAX, poll);
  while (rc == SQLITE_OK) {
    rc = kv_reader_next(reader, &row, &reason);
    if (rc == SQLITE_ROW) rc = kv_kept_add(kept, row);
  }
  kv_reader_watch(reader, INT64_MAX, NULL);
  *out = *kv_reader_stretch(reader);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* One replacement: what became of it so far. */
typedef struct replace_run {
  kv_stmts *stmts;
  const kv_log_head *head;
  kv_replacement *with;
  int64_t before;  /* the last arrival until now */
  int64_t dropped; /* the last one of a deletion that went; -1: none did */
  int is_changed;  /* what kv shows changes with the rows that go, */
  int is_late;     /* or rows come that are not behind the merged ones */
} replace_run;

/* Begin one of the statements about the rows that go. */
static void replace_begin(const replace_run *run, kv_sql id, kv_run *out) {
  kv_run_begin(out, run->stmts, id);
  kv_run_named_text(out, ":device", run->head->name);
  kv_run_named_pointer(out, ":kept", &run->with->kept, KV_KEPT_POINTER);
}

static int replace_statement(const replace_run *run, kv_sql id) {
  kv_run out;

  replace_begin(run, id, &out);
  return kv_run_end(&out);
}

/* Find what goes with the rows that the log does not have. */
static int replace_look(replace_run *run) {
  kv_run look;
  int rc;

  replace_begin(run, KV_SQL_REPLACE_LAST, &look);
  if (kv_run_row(&look) &&
      sqlite3_column_type(look.stmt, 0) == SQLITE_INTEGER) {
    run->dropped = sqlite3_column_int64(look.stmt, 0);
    run->is_changed = sqlite3_column_int(look.stmt, 1);
  }
  rc = kv_run_close(&look);
  if (rc != SQLITE_OK || run->is_changed) return rc;
  replace_begin(run, KV_SQL_REPLACE_BUCKET, &look);
  run->is_changed = kv_run_row(&look);
  return kv_run_close(&look);
}

/* Delete them, and move what they superseded to the front. */
static int replace_delete(const replace_run *run) {
  int rc = replace_statement(run, KV_SQL_REPLACE_DELETE);

  if (rc == SQLITE_OK) {
    rc = replace_statement(run, KV_SQL_REPLACE_DELETE_SEEN);
  }
  if (rc == SQLITE_OK) rc = kv_values_trim(run->stmts);
  if (rc == SQLITE_OK && run->is_changed) {
    rc = kv_stmt_exec(run->stmts, KV_SQL_CACHE_PROMOTE);
  }
  return rc;
}

/* Merge the rows that the cache does not have. */
static int replace_add(replace_run *run, kv_reader *reader, sqlite3_stmt *poll,
                       kv_stretch *out) {
  kv_replacement *with = run->with;
  int rc = kv_cache_merge_missing(run->stmts, reader, with->merged,
                                  with->clock_limit, poll, with->arrived,
                                  &with->n_added, &run->is_late, out);

  if (rc == SQLITE_OK &&
      (out->ended != KV_END_CLEAN || out->end.seq != with->whole.seq ||
       out->end.sum != with->whole.sum)) {
    rc = SQLITE_CORRUPT_VTAB;
  }
  return rc;
}

/* For the next sweep: rows went that it need not search for. */
static int replace_put_swept(const replace_run *run) {
  const kv_replacement *with = run->with;
  kv_run put;

  kv_run_begin(&put, run->stmts, KV_SQL_META_PUT_SWEPT);
  kv_run_int(&put, with->holes - (with->whole.seq - with->kept.n));
  kv_run_int(&put, 0);
  return kv_run_end(&put);
}

/*
** Tell the readers of changes, and typed tables. Rows that went may have settled
** others, so all are judged again.
*/
static int replace_tell(const replace_run *run) {
  int64_t dropped = run->dropped + KV_SPANS - 1;
  kv_run put;
  int rc;

  if (run->is_changed || run->is_late) {
    return kv_cache_begin_epoch(run->stmts);
  }
  rc = kv_contest_note(run->stmts, KV_JUDGED_NONE);
  if (rc != SQLITE_OK || run->dropped < 0) return rc;
  if (dropped > run->before) dropped = run->before;
  kv_run_begin(&put, run->stmts, KV_SQL_REPLACE_DROPPED);
  kv_run_int(&put, dropped);
  return kv_run_end(&put);
}

int kv_replace_merge(kv_stmts *stmts, kv_reader *reader, sqlite3_stmt *poll,
                     kv_replacement *with, kv_stretch *out) {
  replace_run run = {stmts, kv_reader_head(reader), with, 0, -1, 0, 0};
  int rc;

  rc = kv_cache_last_arrival(stmts, &run.before);
  if (rc == SQLITE_OK) rc = replace_add(&run, reader, poll, out);
  with->kept.n_other = 0;
  if (rc == SQLITE_OK) rc = replace_look(&run);
  if (rc == SQLITE_OK) rc = replace_delete(&run);
  if (rc == SQLITE_OK && with->kept.n_other > 0) {
    /* Some were in the way of rows with the same number. */
    rc = replace_add(&run, reader, poll, out);
    run.is_late = 1;
  }
  if (rc == SQLITE_OK) rc = replace_statement(&run, KV_SQL_REPLACE_TXN);
  if (rc == SQLITE_OK) rc = replace_statement(&run, KV_SQL_REPLACE_TXN_SEEN);
  if (rc == SQLITE_OK) rc = replace_put_swept(&run);
  return rc == SQLITE_OK ? replace_tell(&run) : rc;
}
