/*
** Copies of logs. See copies.h.
*/
#include "copies.h"

#include <stdlib.h>
#include <string.h>

#include "core/names.h"
#include "db/error.h"
#include "log/writer.h"

/* The greatest number of entries of a directory that are looked at. */
#define COPIES_NAMES 100000

int kv_copies_name(const char *file, char out[KV_NAME_MAX + 1]) {
  size_t n = strlen(file);

  if (n < 4 || n - 3 > KV_NAME_MAX || strcmp(file + n - 3, ".db") != 0) {
    return 0;
  }
  memcpy(out, file, n - 3);
  out[n - 3] = '\0';
  return kv_name_check(out, n - 3) == NULL;
}

static int copies_add(kv_copies *out, const char *keeper, const char *file,
                      const char *directory) {
  sqlite3_uint64 n = (sqlite3_uint64)out->n + 1;
  char device[KV_NAME_MAX + 1];
  kv_copy *more;

  if (!kv_copies_name(file, device)) return SQLITE_OK;
  more = sqlite3_realloc64(out->copies, n * sizeof(*more));
  if (!more) return SQLITE_NOMEM;
  out->copies = more;
  more += out->n;
  sqlite3_snprintf(sizeof(more->device), more->device, "%s", device);
  sqlite3_snprintf(sizeof(more->keeper), more->keeper, "%s", keeper);
  more->path = sqlite3_mprintf("%s/%s", directory, file);
  if (more->path) out->n++;
  return more->path ? SQLITE_OK : SQLITE_NOMEM;
}

/* The copies that one device keeps. */
static int copies_find(const char *root, const kv_directory *devices,
                       const char *keeper, kv_copies *out) {
  char name[KV_NAME_MAX + sizeof("/of")];
  char **names = NULL;
  char *path;
  kv_stamp stamp;
  int n = 0;
  int i;
  int rc;

  sqlite3_snprintf(sizeof(name), name, "%s/of", keeper);
  if (kv_folder_look_in(devices, name, &stamp) != KV_FILE_DIRECTORY) {
    return SQLITE_OK;
  }
  path = kv_writer_path(root, keeper, "of");
  rc = path ? kv_folder_list(path, COPIES_NAMES, 0, &names, &n) : SQLITE_NOMEM;
  if (rc == SQLITE_CANTOPEN) rc = SQLITE_OK;
  for (i = 0; i < n && rc == SQLITE_OK; i++)
    rc = copies_add(out, keeper, names[i], path);
  kv_folder_free_names(names, n);
  sqlite3_free(path);
  return rc;
}

static int copies_compare(const void *a, const void *b) {
  const kv_copy *x = a;
  const kv_copy *y = b;
  int c = strcmp(x->device, y->device);

  return c ? c : strcmp(x->keeper, y->keeper);
}

int kv_copies_find(const char *root, const kv_directory *devices,
                   char **keepers, int n_keepers, kv_copies *out) {
  int i;
  int rc = SQLITE_OK;

  for (i = 0; i < n_keepers && rc == SQLITE_OK; i++) {
    if (kv_name_check(keepers[i], strlen(keepers[i]))) continue;
    rc = copies_find(root, devices, keepers[i], out);
  }
  if (out->n > 1) {
    qsort(out->copies, (size_t)out->n, sizeof(kv_copy), copies_compare);
  }
  return rc;
}

int kv_copies_find_all(const char *root, kv_copies *out) {
  char *path = sqlite3_mprintf("%s/devices", root);
  kv_directory *devices = NULL;
  char **names = NULL;
  int n = 0;
  int rc = path ? kv_folder_open(path, &devices) : SQLITE_NOMEM;

  memset(out, 0, sizeof(*out));
  if (rc == SQLITE_OK) rc = kv_folder_list(path, COPIES_NAMES, 1, &names, &n);
  if (rc == SQLITE_OK) rc = kv_copies_find(root, devices, names, n, out);
  if (rc == SQLITE_CANTOPEN) rc = SQLITE_OK;
  kv_folder_free_names(names, n);
  kv_folder_close(devices);
  sqlite3_free(path);
  return rc;
}

const kv_copy *kv_copies_of(const kv_copies *copies, const char *device,
                            int *n) {
  int i = 0;

  *n = 0;
  while (i < copies->n && strcmp(copies->copies[i].device, device) < 0)
    i++;
  while (i + *n < copies->n &&
         strcmp(copies->copies[i + *n].device, device) == 0)
    ++*n;
  return *n ? &copies->copies[i] : NULL;
}

int kv_copies_lineage(sqlite3 *host, const kv_copy *copies, int n,
                      unsigned char out[KV_LINEAGE_SIZE], int *found) {
  int i;
  int rc = SQLITE_OK;

  *found = 0;
  for (i = 0; i < n && rc == SQLITE_OK; i++) {
    kv_verdict verdict = {KV_STATE_OK, NULL};
    kv_reader *reader = NULL;

    rc =
      kv_reader_open(host, copies[i].path, copies[i].device, &reader, &verdict);
    if (rc == SQLITE_OK && reader) {
      const kv_log_head *head = kv_reader_head(reader);
      kv_stretch whole;

      rc =
        kv_reader_verify(reader, kv_log_start(head), INT64_MAX, NULL, &whole);
      if (rc == SQLITE_OK && whole.ended == KV_END_CLEAN) {
        if (!*found || memcmp(head->id, out, KV_LINEAGE_SIZE) < 0)
          memcpy(out, head->id, KV_LINEAGE_SIZE);
        *found = 1;
      }
    }
    kv_reader_close(reader);
    kv_verdict_clear(&verdict);
  }
  return rc;
}

void kv_copies_stamp(const kv_copy *copies, int n, kv_stamp *stamp) {
  int i;

  for (i = 0; i < n; i++) {
    kv_stamp one;

    kv_folder_look(copies[i].path, &one);
    stamp->inode = (int64_t)((uint64_t)stamp->inode * 31 + (uint64_t)one.inode);
    stamp->size += one.size;
    if (one.mtime > stamp->mtime) stamp->mtime = one.mtime;
    if (one.ctime > stamp->ctime) stamp->ctime = one.ctime;
  }
}

void kv_copies_free(kv_copies *copies) {
  int i;

  for (i = 0; i < copies->n; i++)
    sqlite3_free(copies->copies[i].path);
  sqlite3_free(copies->copies);
  memset(copies, 0, sizeof(*copies));
}
