/*
** What the running transaction wrote. See pending.h.
**
** The rows are a list from the newest to the oldest. Going back to a mark frees
** the head of the list. So their memory is a stack of chunks, of which a row is
** always the end.
*/
#include "pending.h"

#include <assert.h>
#include <string.h>

#include "db/error.h"

/* Bytes of the first chunk, and of others; a longer row has its own. */
#define PENDING_FIRST 1024
#define PENDING_CHUNK 65536

struct kv_pending_chunk {
  kv_pending_chunk *previous;
  size_t used; /* bytes behind this */
  size_t n;
};

/* n bytes behind the last row, a multiple of 8; NULL: no memory. */
static void *pending_push(kv_pending *pending, size_t n) {
  kv_pending_chunk *chunk = pending->chunk;
  void *out;

  if (!chunk || chunk->n - chunk->used < n) {
    size_t size = chunk ? PENDING_CHUNK : PENDING_FIRST;

    if (size < n) size = n;
    chunk = sqlite3_malloc64(sizeof(*chunk) + size);
    if (!chunk) return NULL;
    chunk->previous = pending->chunk;
    chunk->used = 0;
    chunk->n = size;
    pending->chunk = chunk;
  }
  out = (char *)(chunk + 1) + chunk->used;
  chunk->used += n;
  return out;
}

/* Give back the last row, and its chunk if that is empty. */
static void pending_pop(kv_pending *pending) {
  kv_pending_chunk *chunk = pending->chunk;

  chunk->used = (size_t)((char *)pending->last - (char *)(chunk + 1));
  pending->last = pending->last->previous;
  if (chunk->used > 0) return;
  pending->chunk = chunk->previous;
  sqlite3_free(chunk);
}

int64_t kv_pending_first(const kv_pending *pending) {
  return pending->base.seq + pending->n_seen + 1;
}

/* Free remembered rows back to `last`; NULL: all, by chunks. */
static void pending_trim(kv_pending *pending, kv_pending_row *last) {
  kv_pending_chunk *chunk;

  while (last && pending->last && pending->last != last)
    pending_pop(pending);
  if (last) return;
  while ((chunk = pending->chunk) != NULL) {
    pending->chunk = chunk->previous;
    sqlite3_free(chunk);
  }
  pending->last = NULL;
}

void kv_pending_close(kv_pending *pending) {
  kv_late_clear(&pending->late);
  pending_trim(pending, NULL);
  pending->settled = NULL;
  pending->must_recall = 0;
  sqlite3_free(pending->seen);
  pending->seen = NULL;
  pending->n_seen = 0;
  pending->n_rows = 0;
  pending->n_bytes = 0;
  pending->max_ts = -1;
  pending->is_scan = 0;
  pending->is_open = 0;
}

int kv_pending_may_be_late(const kv_value *value) {
  return value->n <= KV_PENDING_COPY;
}

/* The last row that one of the first n marks may need, since it has late rows. */
static kv_pending_row *pending_needed(const kv_pending *pending, int n) {
  while (n > 0 && !pending->marks[n - 1].has_late)
    n--;
  return n > 0 ? pending->marks[n - 1].last : NULL;
}

/* The rows are in the cache, and are not remembered. */
static void pending_forget(kv_pending *pending) {
  pending_trim(pending, pending_needed(pending, pending->n_marks));
  pending->settled = pending->last;
  pending->n_bytes = 0;
}

/* The memory that a row takes. */
static size_t pending_size(const kv_value *bucket, const kv_value *key,
                           const kv_value *value) {
  size_t n = sizeof(kv_pending_row) + bucket->n + kv_remembered_size(key) +
             (value->n > KV_PENDING_COPY ? 0 : kv_remembered_size(value));

  return (n + 7) & ~(size_t)7;
}

int kv_pending_is_full(const kv_pending *pending, const kv_value *bucket,
                       const kv_value *key, const kv_value *value) {
  return pending->n_bytes + (int64_t)pending_size(bucket, key, value) >
         KV_PENDING_MOST;
}

int kv_pending_add(kv_pending *pending, int64_t index, const kv_row *from,
                   int is_late) {
  size_t n = pending_size(&from->bucket, &from->key, &from->value);
  kv_pending_row *row;

  assert(pending->is_open && index >= 0 && index <= pending->n_rows);
  if (from->ts > pending->max_ts) pending->max_ts = from->ts;
  if (!pending->is_scan &&
      kv_pending_is_full(pending, &from->bucket, &from->key, &from->value)) {
    assert(pending->late.n == 0);
    pending->is_scan = 1;
    pending_forget(pending);
  }
  if (pending->is_scan && !is_late) {
    if (index == pending->n_rows) pending->n_rows++;
    return SQLITE_OK;
  }

  row = pending_push(pending, n);
  if (!row) return SQLITE_NOMEM;
  row->previous = pending->last;
  row->index = index;
  kv_remembered_write(row, from, from->value.n > KV_PENDING_COPY);
  if (index == pending->n_rows) pending->n_rows++;
  pending->n_bytes += (int64_t)n;
  pending->last = row;
  row->is_late = is_late != 0;
  if (is_late) kv_late_put(&pending->late, row);
  return SQLITE_OK;
}

void kv_pending_settle(kv_pending *pending) {
  kv_late_clear(&pending->late);
  pending->settled = pending->last;
  if (pending->is_scan) pending_forget(pending);
}

/* Add the late rows of the list from the oldest on, so that the newest counts. */
static int pending_recall(kv_pending *pending, kv_pending_row **rows,
                          size_t n) {
  int rc = SQLITE_OK;

  while (n-- > 0 && rc == SQLITE_OK) {
    kv_row row;

    kv_remembered_read(rows[n], &row);
    rc = kv_late_reserve(&pending->late, &row.bucket, &row.key);
    if (rc == SQLITE_OK) kv_late_put(&pending->late, rows[n]);
  }
  return rc;
}

int kv_pending_recall(kv_pending *pending) {
  kv_pending_row **rows;
  kv_pending_row *row;
  size_t n = 0;
  int rc;

  if (!pending->must_recall) return SQLITE_OK;
  for (row = pending->last; row != pending->settled; row = row->previous)
    n += row->is_late;
  rows = sqlite3_malloc64((sqlite3_uint64)n * sizeof(*rows) + 1);
  if (!rows) return SQLITE_NOMEM;
  n = 0;
  for (row = pending->last; row != pending->settled; row = row->previous)
    if (row->is_late) rows[n++] = row;
  rc = pending_recall(pending, rows, n);
  sqlite3_free(rows);
  pending->must_recall = rc != SQLITE_OK;
  if (rc != SQLITE_OK) kv_late_clear(&pending->late);
  return rc;
}

kv_pending_mark kv_pending_here(const kv_pending *pending) {
  kv_pending_mark mark = {0, pending->n_rows, pending->last, pending->settled,
                          pending->last != pending->settled};
  return mark;
}

void kv_pending_return(kv_pending *pending, kv_pending_mark mark) {
  /* A full disk or an interrupt may have rolled everything back by now. */
  if (!pending->is_open) return;
  pending->n_rows = mark.n_rows;
  if (!pending->is_scan) pending_trim(pending, mark.last);
}

kv_pending_row **kv_pending_rows(const kv_pending *pending) {
  kv_pending_row **rows;
  kv_pending_row *row;

  if (pending->is_scan) return NULL;
  rows = kv_zalloc((sqlite3_uint64)pending->n_rows * sizeof(*rows) + 1);
  if (!rows) return NULL;
  for (row = pending->last; row; row = row->previous) {
    if (!rows[row->index]) rows[row->index] = row;
  }
  return rows;
}

/* How many marks are below a level. */
static int pending_marks_below(const kv_pending *pending, int level) {
  int n = pending->n_marks;
  while (n > 0 && pending->marks[n - 1].level >= level)
    n--;
  return n;
}

int kv_pending_savepoint(kv_pending *pending, int level) {
  int n = pending->n_marks;
  kv_pending_mark *marks;

  /* A second virtual table of this store reports the same savepoint again. */
  if (n > 0 && pending->marks[n - 1].level >= level) return SQLITE_OK;
  marks =
    sqlite3_realloc64(pending->marks, (sqlite3_uint64)(n + 1) * sizeof(*marks));
  if (!marks) return SQLITE_NOMEM;
  marks[n] = kv_pending_here(pending);
  marks[n].level = level;
  pending->marks = marks;
  pending->n_marks = n + 1;
  return SQLITE_OK;
}

/*
** SQLite reports a savepoint only if the table is part of the transaction when
** it begins. So an outer savepoint without a mark began before the first write,
** and its state is that of the lowest mark inside it. When a mark is released,
** the level below inherits its state, unless it has a mark.
*/
void kv_pending_release(kv_pending *pending, int level) {
  int i = pending_marks_below(pending, level);
  int is_known = i > 0 && pending->marks[i - 1].level == level - 1;

  if (i < pending->n_marks && level > 0 && !is_known) {
    pending->marks[i++].level = level - 1;
  }
  if (i < pending->n_marks) pending->n_marks = i;
}

void kv_pending_rollback_to(kv_pending *pending, int level) {
  int i = pending_marks_below(pending, level);

  if (level < 0) {
    pending->n_marks = 0;
    kv_pending_close(pending);
    return;
  }
  if (i == pending->n_marks) return;
  pending->marks[i].level = level;
  pending->n_marks = i + 1;
  pending->n_rows = pending->marks[i].n_rows;
  kv_late_clear(&pending->late);
  pending_trim(pending, pending->is_scan ? pending_needed(pending, i + 1)
                                         : pending->marks[i].last);
  pending->settled =
    pending->marks[i].has_late ? pending->marks[i].settled : pending->last;
  pending->must_recall = pending->marks[i].has_late;
  if (pending->n_rows == 0) kv_pending_close(pending);
}

void kv_pending_clear(kv_pending *pending) {
  kv_pending_close(pending);
  sqlite3_free(pending->marks);
  memset(pending, 0, sizeof(*pending));
  pending->max_ts = -1;
}
