/*
** Reads a log that may hold anything. Nothing else reads the logs of other
** devices.
**
** A reader is opened on log.db. If the log begins in sealed files beside it, it
** opens these as it needs them, one at a time.
**
** A reader yields the rows of a log in order, and stops at the first row that
** does not continue the verified chain. The content of a file can only end the
** reading; it cannot make it fail, hang, or yield a wrong row.
**
**     open      is it a log of format version 2, of this device?
**     sum_at    is it the log that was read before?
**     verify    up to where can it be read?
**     start, next   the rows
**
** INVARIANT: every row that kv_reader_next() yields has a sum that chains
** back to the position that the reader was started at.
*/
#ifndef KV_LOG_READER_H
#define KV_LOG_READER_H

#include "core/span.h"
#include "stretch.h"

typedef struct kv_reader kv_reader;

/*
** Open a log file read-only. path is absolute and without links; device is
** the name that its device row must hold (NULL: any).
**
** Returns SQLITE_OK with *out set; or with *out NULL, and the verdict says why
** this is not a readable log. Other codes (SQLITE_NOMEM) are faults of this
** process, never of the file.
*/
int kv_reader_open(sqlite3 *host, const char *path, const char *device,
                   kv_reader **out, kv_verdict *verdict);

/*
** The same for the own log, but an error of the disk is returned: it says
** nothing about the file, which is then neither damaged nor busy.
*/
int kv_reader_open_own(sqlite3 *host, const char *path, const char *device,
                       kv_reader **out, kv_verdict *verdict);

/* The same on a handle that the caller keeps: the own log under its lock. */
int kv_reader_on(sqlite3 *host, sqlite3 *handle, const char *device,
                 kv_reader **out, kv_verdict *verdict);

void kv_reader_close(kv_reader *reader);

/* Borrowed; valid until the reader is closed. */
const kv_log_head *kv_reader_head(const kv_reader *reader);

/*
** The sum of the position seq: that of the row with this number, or of the last
** one before it if that was compacted away; or where the chain begins. Unverified.
** *found is 0 if there is none, or it cannot be read, or the file that has it is
** not there (kv_reader_lack()).
*/
int kv_reader_sum_at(kv_reader *reader, int64_t seq, int64_t *sum, int *found);

/*
** Why the file that was needed last cannot be read: waiting if it is not there or
** not whole, else damaged or busy; NULL: it could. Borrowed until the next call.
*/
const kv_verdict *kv_reader_lack(const kv_reader *reader);

/* Check whether the row at this position has this sum. */
int kv_reader_has(kv_reader *reader, kv_position at, int *has);

/*
** The last row of the log, unverified; its values are borrowed until the next
** call. *found is 0 if the file has no rows, negative if it cannot be read.
*/
int kv_reader_last(kv_reader *reader, kv_row *row, int *found);

/* Its number alone, unverified: 0 if there is none, or it cannot be read. */
int kv_reader_last_seq(kv_reader *reader, int64_t *out);

/*
** The position at which log.db ends, if it has rows: the number and the sum of the
** last one, or former_seq if that is greater.
*/
int kv_reader_tail(kv_reader *reader, kv_position *tail, int *found);

/*
** Verify from `after` to the end of the last complete transaction. clock_limit
** is the greatest time that counts for the clock. `poll`, KV_SQL_POLL of the
** host (NULL: it is prepared here), is run now and then: SQLITE_INTERRUPT if
** it is interrupted.
*/
int kv_reader_verify(kv_reader *reader, kv_position after, int64_t clock_limit,
                     sqlite3_stmt *poll, kv_stretch *out);

/*
** Read the rows after `after`, up to row `until`. Every time counts for the
** clock, and the host cannot interrupt, unless kv_reader_watch() is called, as
** kv_reader_verify() does.
*/
int kv_reader_start(kv_reader *reader, kv_position after, int64_t until);
void kv_reader_watch(kv_reader *reader, int64_t clock_limit,
                     sqlite3_stmt *poll);

/*
** SQLITE_ROW with the next verified row in *row (borrowed until the next
** call), SQLITE_DONE at the end, or where the next row does not verify: then
** *reason says why (static), else it is NULL. SQLITE_INTERRUPT by the poll.
*/
int kv_reader_next(kv_reader *reader, const kv_row **row, const char **reason);

/* Stop reading: end the statement, if it still runs. */
void kv_reader_stop(kv_reader *reader);

/* The position of the last row that kv_reader_next() yielded. */
kv_position kv_reader_position(const kv_reader *reader);

/*
** What was read since the start, up to the end of the last complete
** transaction.
** `ended` and `reason` are set when kv_reader_next() is at its end.
*/
const kv_stretch *kv_reader_stretch(const kv_reader *reader);

/*
** Check whether the transaction that is being read ends after the file's last
** row. This looks up one row, once, and does not verify it. The answer is a
** hint: it may be used to skip work, never to decide what is true.
*/
int kv_reader_is_torn(kv_reader *reader, int *is_torn);

/* Verify what is left. */
int kv_reader_drain(kv_reader *reader);

/* True if the disk failed to read the file; the rest of it is unknown. */
int kv_reader_is_unread(const kv_reader *reader);

/* The spans of the rows that it yielded since the start, without seen rows. */
const kv_spans *kv_reader_spans(const kv_reader *reader);

#endif
