/*
** Files in the folder that no log consists of. See others.h.
*/
#include "others.h"

#include <string.h>

#include "cache/log_cursor.h"
#include "core/names.h"
#include "db/error.h"
#include "file/placeholder.h"
#include "file/segment.h"
#include "folder/folder.h"
#include "life/copies.h"
#include "log/writer.h"

/* The greatest number of other files that are listed, */
#define OTHERS_MOST 1000

/* and of entries of a directory that are looked at. */
#define OTHERS_NAMES 100000

/* Add a path below the root to the other files. */
static int others_add(kv_others *others, char *path, const char *detail) {
  sqlite3_uint64 n = (sqlite3_uint64)(others->n + 1) * sizeof(char *);
  char **paths = sqlite3_realloc64(others->paths, n);
  char **details;

  if (paths) others->paths = paths;
  details = sqlite3_realloc64(others->details, n);
  if (details) others->details = details;
  if (!path || !paths || !details) {
    sqlite3_free(path);
    return SQLITE_NOMEM;
  }
  paths[others->n] = path;
  details[others->n] = kv_strdup(detail);
  others->n++;
  return details[others->n - 1] ? SQLITE_OK : SQLITE_NOMEM;
}

/* What to do about an entry that is not read; `otherwise` says what it is. */
static const char *others_advise(const char *name, const char *otherwise) {
  return kv_placeholder_is(name) ? "a placeholder of a cloud drive: keep it, "
                                   "because deleting it deletes the file on "
                                   "all devices, and tell the drive to keep "
                                   "the folder on this device"
                                 : otherwise;
}

/* True if an entry of a device's directory is part of the log `id`. */
static int others_is_log(const char *name, const unsigned char *id) {
  int64_t last;

  return strcmp(name, "log.db") == 0 || (id && kv_segment_is(name, id, &last));
}

/* The same, or what a commit that was cut off leaves for the next one. */
static int others_is_own(const char *name, const unsigned char *id) {
  return strcmp(name, "log.db-journal") == 0 ||
         strncmp(name, "log.db.sealed", 13) == 0 || others_is_log(name, id);
}

/* Is it the directory of copies? Then list what is no copy in it. */
static int others_list_copies(kv_store *store, kv_others *others,
                              const char *device, int *is_it) {
  char *path = kv_writer_path(store->root, device, "of");
  char copied[KV_NAME_MAX + 1];
  char **names = NULL;
  kv_stamp stamp;
  int n = 0;
  int i;
  int rc = path ? SQLITE_OK : SQLITE_NOMEM;

  *is_it = rc == SQLITE_OK && kv_folder_look(path, &stamp) == KV_FILE_DIRECTORY;
  if (*is_it) rc = kv_folder_list(path, OTHERS_NAMES, 0, &names, &n);
  if (rc == SQLITE_CANTOPEN) rc = SQLITE_OK;
  for (i = 0; i < n && rc == SQLITE_OK && others->n < OTHERS_MOST; i++) {
    if (kv_copies_name(names[i], copied)) continue;
    rc = others_add(
      others, sqlite3_mprintf("devices/%s/of/%s", device, names[i]),
      others_advise(names[i], "not a copy of a log; not read; delete it"));
  }
  kv_folder_free_names(names, n);
  sqlite3_free(path);
  return rc;
}

/* List what is not a log in the directory of one device. */
static int others_list_device(kv_store *store, kv_others *others,
                              const char *device) {
  char *path = sqlite3_mprintf("%s/devices/%s", store->root, device);
  char **names = NULL;
  int n = 0;
  int i;
  kv_log_cursor at;
  int rc = kv_log_cursor_load(&store->stmts, device, &at);

  kv_log_cursor_clear(&at);
  if (rc == SQLITE_OK && !path) rc = SQLITE_NOMEM;
  if (rc == SQLITE_OK) rc = kv_folder_list(path, OTHERS_NAMES, 0, &names, &n);
  if (rc == SQLITE_CANTOPEN) rc = SQLITE_OK;
  for (i = 0; i < n && rc == SQLITE_OK; i++) {
    if (others->n >= OTHERS_MOST) break;
    if (others_is_own(names[i], at.has_id ? at.id : NULL)) continue;
    if (strcmp(names[i], "of") == 0) {
      int is_it = 0;

      rc = others_list_copies(store, others, device, &is_it);
      if (is_it || rc != SQLITE_OK) continue;
    }
    rc = others_add(
      others, sqlite3_mprintf("devices/%s/%s", device, names[i]),
      strncmp(names[i], "log.db.aside-", 13) == 0
        ? "a damaged log that was set aside; delete it when nothing is "
          "missing"
        : others_advise(names[i], "not read; look into it with kv_foreign(), "
                                  "or delete it"));
  }
  kv_folder_free_names(names, n);
  sqlite3_free(path);
  return rc;
}

static int others_list_devices(kv_store *store, kv_others *others) {
  char *path = sqlite3_mprintf("%s/devices", store->root);
  char **names = NULL;
  int n = 0;
  int i;
  kv_stamp stamp;
  int rc = path ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK && kv_folder_look(path, &stamp) == KV_FILE_DIRECTORY) {
    rc = kv_folder_list(path, OTHERS_NAMES, 0, &names, &n);
    if (rc == SQLITE_CANTOPEN) rc = SQLITE_OK;
  }
  for (i = 0; i < n && rc == SQLITE_OK; i++) {
    char *entry = sqlite3_mprintf("%s/%s", path, names[i]);
    int is_device = kv_name_check(names[i], strlen(names[i])) == NULL;

    if (!entry) {
      rc = SQLITE_NOMEM;
    } else if (kv_folder_look(entry, &stamp) == KV_FILE_DIRECTORY &&
               is_device) {
      rc = others_list_device(store, others, names[i]);
    } else if (others->n < OTHERS_MOST) {
      rc = others_add(
        others, sqlite3_mprintf("devices/%s", names[i]),
        others_advise(names[i], is_device
                                  ? "not a directory; not read"
                                  : "not the name of a device; not read"));
    }
    sqlite3_free(entry);
  }
  kv_folder_free_names(names, n);
  sqlite3_free(path);
  return rc;
}

int kv_others_list(kv_store *store, kv_others *others) {
  const char *root = store->root;
  char **names = NULL;
  int n = 0;
  int i;
  kv_stamp stamp;
  int rc = SQLITE_OK;

  if (!root || kv_folder_look(root, &stamp) != KV_FILE_DIRECTORY) return rc;
  rc = kv_folder_list(root, OTHERS_MOST, 0, &names, &n);
  if (rc == SQLITE_CANTOPEN) rc = SQLITE_OK;
  for (i = 0; i < n && rc == SQLITE_OK; i++) {
    if (strcmp(names[i], "devices") == 0) continue;
    rc = others_add(others, kv_strdup(names[i]),
                    others_advise(names[i], "not part of a store; not read"));
  }
  kv_folder_free_names(names, n);
  if (rc == SQLITE_OK) rc = others_list_devices(store, others);
  return rc;
}

void kv_others_free(kv_others *others) {
  kv_folder_free_names(others->paths, others->n);
  kv_folder_free_names(others->details, others->n);
  memset(others, 0, sizeof(*others));
}

int kv_others_measure(const kv_store *store, const char *device,
                      const unsigned char *id, int *n_files, int64_t *bytes) {
  char *path = kv_writer_path(store->root ? store->root : "", device, NULL);
  char **names = NULL;
  int n = 0;
  int i;
  int rc = path ? SQLITE_OK : SQLITE_NOMEM;

  *n_files = 0;
  *bytes = 0;
  if (rc == SQLITE_OK && store->root) {
    rc = kv_folder_list(path, OTHERS_NAMES, 0, &names, &n);
    if (rc == SQLITE_CANTOPEN) rc = SQLITE_OK;
  }
  for (i = 0; i < n && rc == SQLITE_OK; i++) {
    char *file;
    kv_stamp stamp;

    if (!others_is_log(names[i], id)) continue;
    file = kv_writer_path(store->root, device, names[i]);
    if (!file) rc = SQLITE_NOMEM;
    if (file && kv_folder_look(file, &stamp) == KV_FILE_REGULAR) {
      ++*n_files;
      *bytes += stamp.size;
    }
    sqlite3_free(file);
  }
  kv_folder_free_names(names, n);
  sqlite3_free(path);
  return rc;
}
