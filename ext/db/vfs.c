/*
** Files by the host's VFS. See vfs.h.
*/
#include "vfs.h"

#include <string.h>

#include "error.h"

#ifdef _WIN32
/* From here on a path is long: that of a journal is longer. */
#define VFS_LONG 240

/*
** A long path as Windows needs it, which limits others to 260 characters. Only
** backslashes separate behind the prefix.
*/
char *kv_vfs_name(const char *path) {
  int is_share = strncmp(path, "//", 2) == 0;
  char *name;
  char *z;

  if (strlen(path) < VFS_LONG || !(is_share || path[1] == ':')) {
    return kv_strdup(path);
  }
  name = is_share ? sqlite3_mprintf("\\\\?\\UNC\\%s", path + 2)
                  : sqlite3_mprintf("\\\\?\\%s", path);
  for (z = name; z && *z; z++) {
    if (*z == '/') *z = '\\';
  }
  return name;
}

void kv_vfs_plain(char *name) {
  char *z;

  for (z = name; *z; z++) {
    if (*z == '\\') *z = '/';
  }
  if (strncmp(name, "//?/UNC/", 8) == 0) {
    memmove(name + 2, name + 8, strlen(name + 8) + 1);
  } else if (strncmp(name, "//?/", 4) == 0) {
    memmove(name, name + 4, strlen(name + 4) + 1);
  }
}
#else
char *kv_vfs_name(const char *path) {
  return kv_strdup(path);
}

void kv_vfs_plain(char *name) {
  (void)name;
}
#endif

int kv_vfs_open(sqlite3_vfs *vfs, const char *path, int flags,
                sqlite3_file **out) {
  char *name = vfs && path ? kv_vfs_name(path) : NULL;
  size_t n = name ? strlen(name) : 0;
  sqlite3_uint64 size = vfs ? (sqlite3_uint64)vfs->szOsFile : 0;
  sqlite3_file *file = name ? kv_zalloc(size + n + 1) : NULL;
  int rc = SQLITE_NOMEM;

  *out = NULL;
  if (file) {
    char *kept = (char *)file + size; /* the VFS may keep the name */

    memcpy(kept, name, n);
    rc = vfs->xOpen(vfs, kept, file, flags, NULL);
  }
  if (rc == SQLITE_OK) {
    *out = file;
  } else {
    kv_vfs_close(file);
  }
  sqlite3_free(name);
  return rc;
}

void kv_vfs_close(sqlite3_file *file) {
  if (file && file->pMethods) file->pMethods->xClose(file);
  sqlite3_free(file);
}

int kv_vfs_delete(sqlite3_vfs *vfs, const char *path, int sync) {
  char *name = vfs && path ? kv_vfs_name(path) : NULL;
  int rc = name ? vfs->xDelete(vfs, name, sync) : SQLITE_NOMEM;

  sqlite3_free(name);
  return rc == SQLITE_IOERR_DELETE_NOENT ? SQLITE_OK : rc;
}
