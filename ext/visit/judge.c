/*
** What a file is to what was read of a log. See judge.h.
**
** A file that has changed is judged by its row at the cursor:
**
**     the row that was read last is there     read on after it
**     it is gone, the file's last row is      behind: an older copy
**         one that was read
**     a later generation of the log           it takes its place, if all of it is
**                                             here and verifies
**     an earlier one                          behind: an older log
**     another log, which this one took the    behind: an older log
**         place of; nothing is new in it
**     another log                             rewritten, if it verifies whole;
**                                             else damaged: keep what was read
*/
#include "judge.h"

#include <string.h>

#include "core/clock.h"
#include "db/error.h"
#include "db/value.h"
#include "store/numbers.h"

void kv_judge_say(kv_visit *visit, kv_state state, const char *detail) {
  kv_verdict_set(&visit->cursor.verdict, state, detail ? "%s" : NULL, detail);
}

/* A file of the log is not there yet; it is looked for each time. */
static void judge_say_lack(kv_visit *visit) {
  const kv_verdict *lack = kv_reader_lack(visit->reader);

  visit->is_limited = 1;
  kv_judge_say(visit, lack ? lack->state : KV_STATE_WAITING,
               lack ? lack->detail : NULL);
}

/* Check whether the last row of another copy of the log is in the cache. */
static int judge_has_row(kv_visit *visit, const kv_row *row, int *has) {
  int is_seen = row->op >= KV_OP_SEEN;
  kv_run run;

  kv_run_begin(&run, &visit->store->stmts,
               is_seen ? KV_SQL_SEEN_HAS : KV_SQL_CACHE_HAS);
  kv_run_text(&run, visit->cursor.device);
  kv_run_int(&run, row->seq);
  kv_run_int(&run, row->ts);
  kv_run_value(&run, &row->bucket);
  kv_run_value(&run, &row->key);
  kv_run_value(&run, &row->value);
  kv_run_int(&run, row->op);
  *has = kv_run_row(&run);
  return kv_run_close(&run);
}

/* True if the file is of the log that was read. */
static int judge_is_same_log(const kv_visit *visit) {
  const kv_log_head *head = kv_reader_head(visit->reader);

  return memcmp(visit->cursor.id, head->id, KV_ID_SIZE) == 0;
}

/*
** Check whether this is an older copy of the log that was read: then its last
** row is in the cache, under the id that was read.
*/
static int judge_is_behind(kv_visit *visit, int *is_behind) {
  kv_row row;
  int found = 0;
  int rc = kv_reader_last(visit->reader, &row, &found);

  if (rc != SQLITE_OK || found < 0) return rc;
  if (!found) {
    /* It has no rows: a copy from before the first one. */
    *is_behind = 1;
    return SQLITE_OK;
  }
  if (row.seq >= visit->cursor.cached.seq) return SQLITE_OK;
  return judge_has_row(visit, &row, is_behind);
}

/* Check whether this is an older copy of a log that was replaced. */
static int judge_is_former(kv_visit *visit, int *is_former) {
  const kv_log_cursor *cursor = &visit->cursor;
  kv_former former;
  kv_row row;
  int is_known = 0;
  int found = 0;
  int rc =
    kv_former_load(&visit->store->stmts, cursor->device,
                   kv_reader_head(visit->reader)->id, &former, &is_known);

  if (rc != SQLITE_OK || !is_known) return rc;
  rc = kv_reader_last(visit->reader, &row, &found);
  if (rc == SQLITE_OK && found >= 0) {
    *is_former = kv_former_covers(&former, found ? &row : NULL, cursor->newest);
  }
  return rc;
}

/* Verify the whole log, and keep its rows if the cache may have some of them. */
static int judge_verify(kv_visit *visit, kv_stretch *out) {
  kv_kept *kept = &visit->with.kept;
  kv_position start = kv_log_start(kv_reader_head(visit->reader));

  kv_kept_clear(kept);
  return visit->cursor.has_id && visit->turn == KV_TURN_NEXT
           ? kv_replace_read(visit->reader, visit->poll.stmt, kept, out)
           : kv_reader_verify(visit->reader, start, INT64_MAX, visit->poll.stmt,
                              out);
}

/* The log is to take the place of what was read, if it verifies whole. */
static int judge_replace(kv_visit *visit, kv_turn turn) {
  kv_log_cursor *cursor = &visit->cursor;
  kv_stretch stretch;
  int rc;

  visit->turn = turn;
  rc = judge_verify(visit, &stretch);
  if (rc == SQLITE_OK && !kv_reader_is_unread(visit->reader) &&
      stretch.ended == KV_END_CLEAN) {
    memcpy(visit->id, kv_reader_head(visit->reader)->id, KV_ID_SIZE);
    visit->with.whole = stretch.end;
    return rc;
  }
  visit->turn = KV_TURN_NONE;
  if (rc != SQLITE_OK || kv_reader_is_unread(visit->reader)) return rc;
  if (stretch.ended == KV_END_MISSING) {
    judge_say_lack(visit);
  } else if (stretch.ended == KV_END_TORN && turn == KV_TURN_NEXT) {
    kv_verdict_set(&cursor->verdict, KV_STATE_WAITING,
                   "a later log has arrived up to row %lld; it is read when "
                   "all of it is here%s",
                   stretch.end.seq,
                   cursor->has_id ? "; what was read before is kept" : "");
  } else {
    visit->is_limited = stretch.ended == KV_END_LIMITED;
    kv_verdict_set(&cursor->verdict,
                   kv_stretch_is_too_big(&stretch) ? KV_STATE_WAITING
                                                   : KV_STATE_DAMAGED,
                   "differs from what was read, and does not verify at row "
                   "%lld (%s); what was read before is kept",
                   stretch.end.seq + 1, stretch.reason);
  }
  return rc;
}

/* How another log takes the place of what was read. */
static kv_turn judge_turn(const kv_visit *visit) {
  const kv_log_cursor *cursor = &visit->cursor;
  const unsigned char *id = kv_reader_head(visit->reader)->id;

  return !cursor->has_id || (kv_row_same_lineage(cursor->id, id) &&
                             memcmp(cursor->id, id, KV_ID_SIZE) < 0)
           ? KV_TURN_NEXT
           : KV_TURN_OTHER;
}

int kv_judge_ask(kv_visit *visit) {
  kv_run run;
  int rc;

  if (visit->is_asked) return SQLITE_OK;
  visit->is_asked = 1;
  kv_run_begin(&run, &visit->store->stmts, KV_SQL_JUDGE_RETIRED);
  kv_run_text(&run, visit->cursor.device);
  if (kv_run_row(&run)) {
    const void *id = sqlite3_column_blob(run.stmt, 0);

    visit->is_retired = id && sqlite3_column_bytes(run.stmt, 0) == KV_ID_SIZE;
    if (visit->is_retired) memcpy(visit->lineage, id, KV_LINEAGE_SIZE);
  }
  rc = kv_run_close(&run);
  if (rc != SQLITE_OK || visit->is_retired) return rc;
  /* Only retired logs are copied, and the row that says so may come later. */
  rc = kv_copies_lineage(visit->store->db, visit->copies, visit->n_copies,
                         visit->lineage, &visit->is_retired);
  if (visit->cursor.has_id &&
      !kv_row_same_lineage(visit->cursor.id, visit->lineage)) {
    visit->is_retired = 0;
  }
  return rc;
}

/* Is a log one of a stranger, who writes under the name of a retired device? */
static int judge_is_stranger(const kv_visit *visit, const unsigned char *id) {
  return visit->is_retired && !kv_row_same_lineage(visit->lineage, id);
}

void kv_judge_last(kv_visit *visit) {
  if (visit->turn == KV_TURN_NONE && visit->cursor.has_id &&
      judge_is_stranger(visit, visit->cursor.id)) {
    visit->turn = KV_TURN_FORGET;
  }
}

/* Say so of the file. */
static int judge_refuse(kv_visit *visit, int *is_refused) {
  const unsigned char *id = kv_reader_head(visit->reader)->id;
  int rc = SQLITE_OK;

  if (!visit->cursor.has_id || !kv_row_same_lineage(visit->cursor.id, id)) {
    rc = kv_judge_ask(visit);
  }
  *is_refused = judge_is_stranger(visit, id);
  if (!*is_refused) return rc;
  visit->is_limited = 1;
  kv_judge_say(visit, KV_STATE_STRANGER,
               "another log under the name of a device that is retired; it is "
               "not read: the device that writes it has to take another name");
  return rc;
}

/* Find where to continue reading, or say why that is impossible. */
static int judge_find_cursor(kv_visit *visit, int *can_read) {
  kv_log_cursor *cursor = &visit->cursor;
  const kv_log_head *head = kv_reader_head(visit->reader);
  int is_refused = 0;
  int is_behind = 0;
  int is_former = 0;
  int rc = judge_refuse(visit, &is_refused);

  *can_read = 0;
  if (rc != SQLITE_OK || is_refused) return rc;
  *can_read = !cursor->has_id && !head->origin.has_former;
  if (*can_read) return SQLITE_OK;
  if (cursor->has_id && judge_is_same_log(visit)) {
    rc = kv_reader_has(visit->reader, cursor->cached, can_read);
    if (rc == SQLITE_OK && !*can_read && !kv_reader_lack(visit->reader)) {
      rc = judge_is_behind(visit, &is_behind);
    }
    if (rc == SQLITE_OK && kv_reader_lack(visit->reader)) {
      judge_say_lack(visit);
      return SQLITE_OK;
    }
  } else if (cursor->has_id && kv_row_same_lineage(cursor->id, head->id)) {
    is_former = memcmp(head->id, cursor->id, KV_ID_SIZE) < 0;
  } else if (cursor->has_id && !visit->is_retired) {
    rc = judge_is_former(visit, &is_former);
  }
  if (rc != SQLITE_OK || *can_read) return rc;
  if (is_behind) {
    kv_judge_say(visit, KV_STATE_BEHIND,
                 "this is an older copy than the one that was read; what was "
                 "read is kept until the newer one is back");
    return SQLITE_OK;
  }
  if (is_former) {
    kv_judge_say(
      visit, KV_STATE_BEHIND,
      "this is an older log than the one that was read last; what was "
      "read is kept until the newer one is back, or this one gets new "
      "rows");
    return SQLITE_OK;
  }
  return judge_replace(visit, judge_turn(visit));
}

/* All of the file is merged. */
static void judge_say_clean(kv_visit *visit, const kv_stretch *stretch) {
  if (kv_reader_head(visit->reader)->end > 0) {
    kv_verdict_set(&visit->cursor.verdict, KV_STATE_WAITING,
                   "merged up to row %lld; the file is longer than its header "
                   "says: its new end has arrived, but not its changed "
                   "beginning, which rsync --append never sends",
                   stretch->end.seq);
  } else if (visit->turn == KV_TURN_OTHER) {
    kv_judge_say(visit, KV_STATE_REWRITTEN,
                 "a different log replaced the one that was read; it was read "
                 "from the beginning");
  } else {
    kv_judge_say(visit, KV_STATE_OK, NULL);
  }
}

/* Say how far the file is merged, and whether the rest is late or damaged. */
static void judge_end(kv_visit *visit, const kv_stretch *stretch) {
  kv_verdict *verdict = &visit->cursor.verdict;

  switch (stretch->ended) {
    case KV_END_MISSING: judge_say_lack(visit); break;
    case KV_END_CLEAN: judge_say_clean(visit, stretch); break;
    case KV_END_UNREAD:
      kv_verdict_set(
        verdict, KV_STATE_BUSY,
        "merged up to row %lld; the disk reports an error at the next one",
        stretch->end.seq);
      break;
    case KV_END_TORN:
      kv_verdict_set(
        verdict, KV_STATE_WAITING,
        "merged up to row %lld; the rest of a transaction has not arrived yet",
        stretch->end.seq);
      break;
    default:
      kv_verdict_set(verdict,
                     kv_stretch_is_too_big(stretch) ? KV_STATE_WAITING
                                                    : KV_STATE_DAMAGED,
                     "merged up to row %lld; at the next one %s",
                     stretch->end.seq, stretch->reason);
      break;
  }
}

/* The first rows of a log are read. */
static void judge_begin(kv_visit *visit) {
  kv_log_cursor *cursor = &visit->cursor;
  const kv_log_head *head = kv_reader_head(visit->reader);

  memcpy(cursor->id, head->id, KV_ID_SIZE);
  cursor->has_id = 1;
  cursor->origin = head->origin;
  cursor->cached = kv_log_start(head);
  cursor->holes = 0;
}

/* Rows were merged: move the cursor. */
static void judge_move(kv_visit *visit, const kv_stretch *stretch) {
  kv_log_cursor *cursor = &visit->cursor;
  int64_t now = kv_store_now(visit->store);

  cursor->cached = stretch->end;
  if (stretch->counted_ts > cursor->last_ts) {
    cursor->last_ts = stretch->counted_ts;
  }
  if (stretch->last_ts > cursor->newest) cursor->newest = stretch->last_ts;
  cursor->clock_offset = stretch->last_ts > now ? stretch->last_ts - now : 0;
}

/* Merge what is new, and move the cursor. */
static int judge_append(kv_visit *visit) {
  kv_store *store = visit->store;
  kv_log_cursor *cursor = &visit->cursor;
  int64_t arrived;
  kv_stretch stretch;
  int rc = kv_numbers_next_arrival(store, &arrived);

  if (!cursor->has_id) judge_begin(visit);
  if (rc == SQLITE_OK) {
    rc = kv_cache_merge_new(&store->stmts, visit->reader, cursor->cached,
                            kv_clock_limit(kv_store_now(store)),
                            visit->poll.stmt, arrived, &stretch);
  }
  if (rc == SQLITE_OK && stretch.end.seq > cursor->cached.seq) {
    visit->n_merged += stretch.n_rows;
    visit->n_seen += stretch.n_seen;
    visit->n_retired += stretch.n_retired;
    judge_move(visit, &stretch);
  }
  if (rc == SQLITE_OK) {
    visit->is_limited = stretch.ended == KV_END_LIMITED;
    judge_end(visit, &stretch);
  }
  return rc;
}

int kv_judge_file(kv_visit *visit) {
  int can_read = 0;
  int rc = judge_find_cursor(visit, &can_read);

  if (kv_reader_is_unread(visit->reader)) {
    kv_judge_say(visit, KV_STATE_BUSY,
                 "cannot be read: the disk reports an error");
    visit->turn = KV_TURN_NONE;
    return rc;
  }
  return rc == SQLITE_OK && can_read ? judge_append(visit) : rc;
}

/* How a copy stands to what is merged, or about to be: -1 if it has less. */
static int judge_compare(const kv_visit *visit, int64_t last) {
  const kv_log_cursor *cursor = &visit->cursor;
  int is_later = visit->turn != KV_TURN_NONE;
  const unsigned char *id = is_later ? visit->id : cursor->id;
  int64_t seq = is_later ? visit->with.whole.seq : cursor->cached.seq;
  int c = memcmp(kv_reader_head(visit->reader)->id, id, KV_ID_SIZE);

  if (!is_later && (!cursor->has_id || judge_is_stranger(visit, cursor->id))) {
    return 1;
  }
  return c ? c : last < seq ? -1 : last > seq;
}

/* The copy is of the log that was read, and has more of it: merge that. */
static int judge_append_copy(kv_visit *visit) {
  kv_stretch stretch;
  int has = 0;
  int rc = kv_reader_has(visit->reader, visit->cursor.cached, &has);

  if (rc == SQLITE_OK && has) {
    rc = kv_reader_verify(visit->reader,
                          kv_log_start(kv_reader_head(visit->reader)),
                          INT64_MAX, visit->poll.stmt, &stretch);
  }
  return rc == SQLITE_OK && has && stretch.ended == KV_END_CLEAN
           ? judge_append(visit)
           : rc;
}

/* A copy that is open, and that begins where the log does. */
static int judge_copy(kv_visit *visit, const kv_copy *copy) {
  kv_position last = kv_log_start(kv_reader_head(visit->reader));
  kv_replacement with = visit->with;
  kv_turn turn = visit->turn;
  int found = 0;
  int has = 0;
  int c;
  int rc = kv_reader_tail(visit->reader, &last, &found);

  if (rc != SQLITE_OK || found < 0) return rc;
  c = judge_compare(visit, last.seq);
  if (c < 0 || (c == 0 && turn != KV_TURN_NONE)) return SQLITE_OK;
  if (turn == KV_TURN_NONE && visit->cursor.has_id &&
      judge_is_same_log(visit)) {
    if (c > 0) return judge_append_copy(visit);
    rc = kv_reader_has(visit->reader, visit->cursor.cached, &has);
    if (rc == SQLITE_OK && has) kv_judge_say(visit, KV_STATE_OK, NULL);
    return rc;
  }
  memset(&visit->with, 0, sizeof(visit->with));
  rc = judge_replace(visit, judge_turn(visit));
  if (rc == SQLITE_OK && visit->turn != KV_TURN_NONE) {
    visit->source = copy->path;
    kv_kept_clear(&with.kept);
    return rc;
  }
  kv_kept_clear(&visit->with.kept);
  visit->with = with;
  visit->turn = turn;
  return rc;
}

/* Is the copy of the log of which something is merged, or about to be? */
static int judge_is_of_log(const kv_visit *visit) {
  const kv_log_head *head = kv_reader_head(visit->reader);

  if (head->base.seq != 0) return 0;
  if (visit->is_retired) return !judge_is_stranger(visit, head->id);
  if (visit->turn != KV_TURN_NONE) {
    return kv_row_same_lineage(visit->id, head->id);
  }
  return !visit->cursor.has_id ||
         kv_row_same_lineage(visit->cursor.id, head->id);
}

int kv_judge_copy(kv_visit *visit, const kv_copy *copy) {
  kv_log_cursor *cursor = &visit->cursor;
  kv_verdict before = cursor->verdict;
  int is_limited = visit->is_limited;
  int rc;

  kv_reader_close(visit->reader);
  visit->reader = NULL;
  memset(&cursor->verdict, 0, sizeof(cursor->verdict));
  rc = kv_reader_open(visit->store->db, copy->path, cursor->device,
                      &visit->reader, &cursor->verdict);
  kv_verdict_clear(&cursor->verdict);
  cursor->verdict.state = KV_STATE_MISSING; /* nobody says so of a copy */
  if (rc == SQLITE_OK && visit->reader && judge_is_of_log(visit)) {
    rc = judge_copy(visit, copy);
  }
  visit->is_limited |= is_limited;
  if (cursor->verdict.state == KV_STATE_OK &&
      before.state != KV_STATE_STRANGER) {
    kv_verdict_clear(&before);
  } else {
    kv_verdict_clear(&cursor->verdict);
    cursor->verdict = before;
  }
  return rc;
}

/* Another log takes over: forget the rows, but note how far they were read. */
static int judge_leave(kv_visit *visit) {
  kv_log_cursor *cursor = &visit->cursor;
  kv_stmts *stmts = &visit->store->stmts;
  kv_former former = {cursor->cached.seq, cursor->cached.sum, cursor->newest};
  int rc = kv_cache_forget(stmts, cursor->device);

  if (rc == SQLITE_OK && cursor->has_id && !judge_is_same_log(visit)) {
    rc = kv_former_save(stmts, cursor->device, cursor->id, &former);
  }
  cursor->last_ts = cursor->newest = -1;
  return rc;
}

/* Read all of the log that takes over. */
static int judge_merge_whole(kv_visit *visit, kv_stretch *out) {
  kv_stmts *stmts = &visit->store->stmts;
  kv_replacement *with = &visit->with;
  int rc;

  if (visit->turn == KV_TURN_NEXT && visit->cursor.has_id) {
    return kv_replace_merge(stmts, visit->reader, visit->poll.stmt, with, out);
  }
  rc = visit->cursor.has_id ? judge_leave(visit) : SQLITE_OK;
  if (rc == SQLITE_OK) {
    rc = kv_cache_merge_new(
      stmts, visit->reader, kv_log_start(kv_reader_head(visit->reader)),
      with->clock_limit, visit->poll.stmt, with->arrived, out);
    with->n_added = out->n_rows;
  }
  return rc == SQLITE_OK && (out->end.seq != with->whole.seq ||
                             out->end.sum != with->whole.sum)
           ? SQLITE_CORRUPT_VTAB
           : rc;
}

/* What was read is of a stranger, and nothing takes its place. */
static int judge_forget(kv_visit *visit) {
  kv_log_cursor *cursor = &visit->cursor;
  int rc = kv_cache_forget(&visit->store->stmts, cursor->device);

  cursor->has_id = 0;
  cursor->last_ts = cursor->newest = -1;
  cursor->holes = 0;
  memset(&cursor->cached, 0, sizeof(cursor->cached));
  memset(&cursor->origin, 0, sizeof(cursor->origin));
  kv_judge_say(visit, KV_STATE_STRANGER,
               "what was read was not the log of the device that is retired; "
               "that log is not here yet");
  return rc;
}

int kv_judge_take(kv_visit *visit) {
  kv_log_cursor *cursor = &visit->cursor;
  kv_store *store = visit->store;
  kv_replacement *with = &visit->with;
  kv_stretch stretch;
  int rc;

  if (visit->turn == KV_TURN_FORGET) return judge_forget(visit);
  if (memcmp(visit->id, kv_reader_head(visit->reader)->id, KV_ID_SIZE) != 0) {
    return SQLITE_CORRUPT_VTAB;
  }
  with->merged = cursor->cached.seq;
  with->holes = cursor->holes;
  with->clock_limit = kv_clock_limit(kv_store_now(store));
  rc = kv_numbers_next_arrival(store, &with->arrived);
  if (rc == SQLITE_OK) rc = judge_merge_whole(visit, &stretch);
  if (rc != SQLITE_OK) return rc;
  judge_begin(visit);
  judge_move(visit, &stretch);
  cursor->holes = stretch.end.seq - stretch.n_rows - stretch.n_seen;
  visit->n_merged = with->n_added;
  visit->n_seen = stretch.n_seen;
  visit->n_retired = stretch.n_retired;
  judge_say_clean(visit, &stretch);
  return rc;
}
