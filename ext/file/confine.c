/*
** Limits what a file can make a handle do. See confine.h.
**
** Reads are counted in the methods of the open file: a copy of its VFS's
** methods, in which xRead counts and then calls that of the VFS. The copy
** belongs to the file, and is freed with it.
** https://www.sqlite.org/c3ref/io_methods.html
*/
#include "confine.h"

#include <stddef.h>
#include <string.h>

#include "db/error.h"

/* Bytes of a page that count as one read. */
#define CONFINE_PAGE 4096

typedef struct confined_methods {
  sqlite3_io_methods methods; /* first: what the file points to */
  const sqlite3_io_methods *vfs;
  kv_work *work;
} confined_methods;

static confined_methods *confined_of(sqlite3_file *file) {
  return (confined_methods *)file->pMethods;
}

static int confined_read(sqlite3_file *file, void *out, int n,
                         sqlite3_int64 at) {
  confined_methods *confined = confined_of(file);
  kv_work *work = confined->work;

  if (work->reads <= 0) return SQLITE_INTERRUPT;
  work->reads -= 1 + (n - 1) / CONFINE_PAGE;
  return confined->vfs->xRead(file, out, n, at);
}

static int confined_close(sqlite3_file *file) {
  confined_methods *confined = confined_of(file);

  file->pMethods = confined->vfs;
  sqlite3_free(confined);
  return file->pMethods->xClose(file);
}

/* How large a VFS of that version makes its methods. */
static size_t methods_size(int version) {
  if (version < 2) return offsetof(sqlite3_io_methods, xShmMap);
  if (version < 3) return offsetof(sqlite3_io_methods, xFetch);
  return sizeof(sqlite3_io_methods);
}

static int confine_file(sqlite3 *handle, kv_work *work) {
  confined_methods *confined;
  sqlite3_file *file = NULL;

  sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  confined = kv_zalloc(sizeof(*confined));
  if (!confined) return SQLITE_NOMEM;
  confined->vfs = file->pMethods;
  confined->work = work;
  memcpy(&confined->methods, file->pMethods,
         methods_size(file->pMethods->iVersion));
  if (confined->methods.iVersion > 3) confined->methods.iVersion = 3;
  confined->methods.xRead = confined_read;
  confined->methods.xClose = confined_close;
  file->pMethods = &confined->methods;
  return SQLITE_OK;
}

/* https://www.sqlite.org/c3ref/set_authorizer.html */
static int confine_authorize(void *tables, int action, const char *name,
                             const char *column, const char *db,
                             const char *trigger) {
  static const char *const pragmas[] = {"cache_size", "table_xinfo", NULL};
  const char *const *allowed = action == SQLITE_PRAGMA ? pragmas : tables;

  (void)column;
  (void)db;
  (void)trigger;
  if (action == SQLITE_SELECT) return SQLITE_OK;
  if (action != SQLITE_PRAGMA && action != SQLITE_READ) return SQLITE_DENY;
  while (*allowed && strcmp(name, *allowed) != 0)
    allowed++;
  return *allowed ? SQLITE_OK : SQLITE_DENY;
}

static int confine_step(void *work) {
  return --((kv_work *)work)->steps < 0;
}

void kv_confine_steps(sqlite3 *handle, kv_work *work) {
  if (!KV_HAS(progress_handler)) return;
  sqlite3_progress_handler(handle, work ? 1000 : 0, work ? confine_step : NULL,
                           work);
}

int kv_confine_to(sqlite3 *handle, const char *const *tables, kv_work *work) {
  sqlite3_set_authorizer(handle, confine_authorize, (void *)tables);
  kv_confine_steps(handle, work);
  return confine_file(handle, work);
}

int kv_confine(sqlite3 *handle, kv_work *work) {
  static const char *const log[] = {"device", "log", "sqlite_master", NULL};
  return kv_confine_to(handle, log, work);
}
