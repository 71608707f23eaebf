/*
** Generations of the own log. See generation.h.
**
** log.db stays the same file, as when it is sealed (seal.c says why).
*/
#include "generation.h"

#include <assert.h>
#include <string.h>

#include "db/error.h"
#include "db/handle.h"
#include "db/vfs.h"
#include "file/segment.h"
#include "folder/folder.h"
#include "log/append.h"
#include "seal.h"

/* The greatest number of entries of the directory that are looked at. */
#define GENERATION_NAMES 100000

/* A step is random, so that two caches which compact make two generations. */
#define GENERATION_STEP 0xffffff

int kv_generation_next(const unsigned char *id, uint32_t step,
                       unsigned char out[KV_ID_SIZE]) {
  uint64_t generation = 0;
  int i;

  for (i = KV_LINEAGE_SIZE; i < KV_ID_SIZE; i++)
    generation = generation << 8 | id[i];
  if (step > UINT64_MAX - generation) return 0;
  generation += step;
  memcpy(out, id, KV_LINEAGE_SIZE);
  for (i = KV_ID_SIZE - 1; i >= KV_LINEAGE_SIZE; i--) {
    out[i] = (unsigned char)generation;
    generation >>= 8;
  }
  return 1;
}

/*
** The head of the generation behind the one whose head is `before`, and which ends at
** `end`. `horizon` is as for kv_generation_write().
*/
static int generation_head(sqlite3 *host, const kv_log_head *before,
                           kv_position end, int64_t horizon, kv_log_head *out,
                           char **err) {
  uint32_t step;

  kv_handle_random(host, sizeof(step), (unsigned char *)&step);
  *out = *before;
  if (!kv_generation_next(before->id, 1 + (step & GENERATION_STEP), out->id)) {
    return kv_error(err, SQLITE_FULL,
                    "cannot compact the log of device %s: it has no later "
                    "generation",
                    before->name);
  }
  out->origin.has_former = 1;
  memcpy(out->origin.former_id, before->id, KV_ID_SIZE);
  out->origin.former_seq = end.seq;
  out->origin.former_sum = end.sum;
  if (horizon > out->origin.horizon) out->origin.horizon = horizon;
  out->base = kv_log_start(out);
  return SQLITE_OK;
}

/* Write the rows into a new file beside the log; *sum: of the last one. */
static int generation_make(const kv_writer_place *place, kv_rows *rows,
                           int64_t n, const int *rows_rc, int64_t *sum,
                           char **err) {
  kv_writer *file = NULL;
  int rc = kv_writer_begin_new(place, &file, err);

  if (rc == SQLITE_OK) rc = kv_append_rows(file, rows, n);
  if (rc == SQLITE_OK) rc = *rows_rc;
  if (rc == SQLITE_OK) {
    *sum = file->tail.sum;
    rc = kv_writer_commit(file);
  }
  kv_writer_close(file);
  return rc;
}

/* Delete a file of the device's directory, if it is there. */
static int generation_delete(const kv_writer *log, const kv_writer_place *place,
                             const char *name) {
  sqlite3_vfs *vfs = kv_writer_vfs((kv_writer *)log);
  char *path = kv_writer_path(place->root, place->device, name);
  int rc = kv_vfs_delete(vfs, path, 0);

  sqlite3_free(path);
  return rc;
}

/* Give it its name, if it verifies, and begin log.db behind it. */
static int generation_put(kv_writer *log, const kv_writer_place *place,
                          const kv_log_head *head) {
  char name[KV_SEGMENT_NAME_SIZE];
  char *from = kv_writer_path(place->root, place->device, place->file);
  char *to;
  int rc;

  kv_segment_name(head->id, head->base.seq, name);
  to = kv_writer_path(place->root, place->device, name);
  rc = from && to ? SQLITE_OK : SQLITE_NOMEM;
  if (rc == SQLITE_OK) rc = kv_seal_verify(place, from, head->base, head->base);
  if (rc == SQLITE_OK) rc = kv_folder_rename(from, to);
  if (rc == SQLITE_OK) rc = kv_seal_empty(log, head);
  sqlite3_free(from);
  sqlite3_free(to);
  return rc;
}

/* How a file stands to the log: its generation is smaller or greater; 0: neither. */
static int generation_order(const kv_writer *log, const char *name) {
  unsigned char id[KV_ID_SIZE];
  int64_t last;

  return kv_segment_read(name, id, &last) &&
             kv_row_same_lineage(id, log->head.id)
           ? memcmp(id, log->head.id, KV_ID_SIZE)
           : 0;
}

/* Was the log rolled back after this file had taken its place? */
static int generation_is_lost(kv_writer *log, const kv_writer_place *place,
                              const char *name, int *is_lost) {
  char *path = kv_writer_path(place->root, place->device, name);
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  int64_t sum = 0;
  int found = 0;
  int rc = path ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK) {
    rc =
      kv_reader_open_own(place->host, path, place->device, &reader, &verdict);
  }
  if (rc == SQLITE_OK && reader) {
    const kv_origin *origin = &kv_reader_head(reader)->origin;

    if (memcmp(origin->former_id, log->head.id, KV_ID_SIZE) == 0) {
      rc = kv_writer_sum_at(log, origin->former_seq, &sum, &found);
    }
    *is_lost = !found || sum != origin->former_sum;
  }
  kv_reader_close(reader);
  kv_verdict_clear(&verdict);
  sqlite3_free(path);
  return rc;
}

/* Is it a file that was to become a sealed one, when something was cut off? */
static int generation_is_half(const char *name) {
  return strcmp(name, "log.db.sealed") == 0 ||
         strcmp(name, "log.db.sealed-journal") == 0;
}

typedef enum generation_step {
  GENERATION_ASK, /* do files of greater generations tell of a log that is lost? */
  GENERATION_TRIM, /* delete those of smaller ones */
  GENERATION_CLEAN /* and of greater ones */
} generation_step;

static int generation_walk(kv_writer *log, const kv_writer_place *place,
                           generation_step step, int *is_lost) {
  char *directory = kv_writer_path(place->root, place->device, NULL);
  char **names = NULL;
  int n = 0;
  int i;
  int rc = directory
             ? kv_folder_list(directory, GENERATION_NAMES, 0, &names, &n)
             : SQLITE_NOMEM;

  *is_lost = 0;
  for (i = 0; i < n && rc == SQLITE_OK && !*is_lost; i++) {
    int order = generation_order(log, names[i]);

    if (step == GENERATION_ASK && order > 0) {
      rc = generation_is_lost(log, place, names[i], is_lost);
    } else if (step != GENERATION_ASK &&
               (order < 0 || (step == GENERATION_CLEAN && order > 0))) {
      rc = generation_delete(log, place, names[i]);
    } else if (step == GENERATION_CLEAN && generation_is_half(names[i])) {
      generation_delete(log, place, names[i]); /* the next one does it, too */
    }
  }
  kv_folder_free_names(names, n);
  sqlite3_free(directory);
  return rc;
}

int kv_generation_clean(kv_writer *log, const kv_writer_place *place,
                        int is_ahead, int *is_rolled_back) {
  int is_lost;
  int rc = SQLITE_OK;

  assert(kv_writer_is_locked(log));
  *is_rolled_back = 0;
  if (!is_ahead) {
    rc = generation_walk(log, place, GENERATION_ASK, is_rolled_back);
  }
  return rc == SQLITE_OK && !*is_rolled_back
           ? generation_walk(log, place, GENERATION_CLEAN, &is_lost)
           : rc;
}

int kv_generation_write(kv_writer *log, const kv_writer_place *place,
                        int64_t horizon, kv_rows *rows, int64_t n,
                        const int *rows_rc, char **err) {
  kv_writer_place beside = *place;
  kv_log_head head;
  int64_t sum = 0;
  int is_lost;
  int rc;

  assert(kv_writer_is_locked(log));
  rc = generation_head(place->host, &log->head, log->tail, horizon, &head, err);
  if (rc != SQLITE_OK) return rc;
  beside.file = "log.db.sealed";
  beside.head = &head;
  rc = generation_make(&beside, rows, n, rows_rc, &sum, err);
  if (rc == SQLITE_OK) {
    head.base.seq = head.origin.former_seq;
    head.base.sum = sum;
    rc = generation_put(log, &beside, &head);
  }
  if (rc == SQLITE_OK) { /* it is done; another process may have the lock now */
    generation_walk(log, place, GENERATION_TRIM, &is_lost);
    kv_seal_shrink(log, 0); /* nothing given up stays in free pages */
    return rc;
  }
  generation_delete(log, place, beside.file);
  return rc == SQLITE_INTERRUPT || rc == SQLITE_NOMEM
           ? rc
           : kv_error(err, rc, "cannot compact the log of device %s: %s",
                      place->device, sqlite3_errstr(rc));
}
