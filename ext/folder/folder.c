/*
** The shared folder on POSIX systems. See folder.h.
**
** The machine's identity is hashed before it is written anywhere, because
** machine-id(5) asks programs to keep it confidential.
*/
#ifndef _WIN32
#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "core/row.h"
#include "db/error.h"

#ifdef __APPLE__
#define st_mtim st_mtimespec
#define st_ctim st_ctimespec
#endif

static int64_t folder_nanoseconds(struct timespec t) {
  int64_t seconds = t.tv_sec;

  /* Times out of range become the nearest time in range. */
  if (seconds > INT64_MAX / 1000000000 - 1) return INT64_MAX;
  if (seconds < INT64_MIN / 1000000000 + 1) return INT64_MIN;
  return seconds * 1000000000 + t.tv_nsec;
}

/* What lstat() or fstatat() has returned, with errno. */
static kv_file_kind folder_kind(int result, const struct stat *st,
                                kv_stamp *stamp) {
  memset(stamp, 0, sizeof(*stamp));
  if (result != 0) {
    return errno == ENOENT || errno == ENOTDIR ? KV_FILE_NONE : KV_FILE_UNKNOWN;
  }
  if (S_ISDIR(st->st_mode)) return KV_FILE_DIRECTORY;
  if (!S_ISREG(st->st_mode)) return KV_FILE_OTHER;
  stamp->inode = (int64_t)st->st_ino;
  stamp->size = (int64_t)st->st_size;
  stamp->mtime = folder_nanoseconds(st->st_mtim);
  stamp->ctime = folder_nanoseconds(st->st_ctim);
  return KV_FILE_REGULAR;
}

kv_file_kind kv_folder_look(const char *path, kv_stamp *stamp) {
  struct stat st;

  return folder_kind(lstat(path, &st), &st, stamp);
}

struct kv_directory {
  int fd;
};

int kv_folder_open(const char *path, kv_directory **out) {
  *out = sqlite3_malloc64(sizeof(**out));
  if (!*out) return SQLITE_NOMEM;
  (*out)->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if ((*out)->fd >= 0) return SQLITE_OK;
  kv_folder_close(*out);
  *out = NULL;
  return SQLITE_CANTOPEN;
}

kv_file_kind kv_folder_look_in(const kv_directory *directory, const char *path,
                               kv_stamp *stamp) {
  struct stat st;

  return folder_kind(fstatat(directory->fd, path, &st, AT_SYMLINK_NOFOLLOW),
                     &st, stamp);
}

void kv_folder_close(kv_directory *directory) {
  if (directory && directory->fd >= 0) close(directory->fd);
  sqlite3_free(directory);
}

int kv_folder_is_fresh(const kv_stamp *stamp) {
  struct timespec now;

  clock_gettime(CLOCK_REALTIME, &now);
  return kv_stamp_newest(stamp) > folder_nanoseconds(now) - KV_STAMP_TICK;
}

void kv_folder_touch(const char *path) {
  (void)utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
}

/* Make directory entries durable. A system that cannot is not an error. */
static void folder_sync(const char *path) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)fsync(fd);
  close(fd);
}

static void folder_sync_parent(const char *path) {
  char *parent = kv_strdup(path);
  char *slash = parent ? strrchr(parent, '/') : NULL;

  if (slash) {
    slash[slash == parent] = '\0';
    folder_sync(parent);
  }
  sqlite3_free(parent);
}

int kv_folder_make(const char *path) {
  if (mkdir(path, 0777) == 0) {
    folder_sync_parent(path);
    return SQLITE_OK;
  }
  return errno == EEXIST ? SQLITE_OK : SQLITE_CANTOPEN;
}

int kv_folder_make_private(const char *path) {
  return mkdir(path, 0700) == 0 ? SQLITE_OK : SQLITE_CANTOPEN;
}

int kv_folder_remove(const char *path) {
  return rmdir(path) == 0 ? SQLITE_OK : SQLITE_IOERR_DELETE;
}

int kv_folder_rename(const char *from, const char *to) {
  if (rename(from, to) != 0) return SQLITE_IOERR;
  folder_sync_parent(to);
  return SQLITE_OK;
}

/* Resolve the part of `path` that exists, and keep the rest unchanged. */
static int folder_real(const char *path, char **out) {
  char *real = realpath(path, NULL);
  char *parent = NULL;
  char *slash;
  int rc = SQLITE_OK;

  if (real) {
    *out = kv_strdup(real);
  } else {
    parent = kv_strdup(path);
    slash = parent ? strrchr(parent, '/') : NULL;
    if (slash && slash != parent) {
      char *head = NULL;
      *slash = '\0';
      rc = folder_real(parent, &head);
      if (rc == SQLITE_OK) *out = sqlite3_mprintf("%s/%s", head, slash + 1);
      sqlite3_free(head);
    } else {
      *out = kv_strdup(path);
    }
  }
  free(real);
  sqlite3_free(parent);
  return rc == SQLITE_OK && !*out ? SQLITE_NOMEM : rc;
}

/* Slashes at the end are dropped. */
char *kv_folder_absolute(const char *path, const char *base) {
  char *cwd = NULL;
  char *joined;
  size_t n;

  if (path[0] == '/') {
    joined = kv_strdup(path);
  } else {
    if (!base) base = cwd = getcwd(NULL, 0);
    joined = base ? sqlite3_mprintf("%s/%s", base, path) : NULL;
  }
  free(cwd);
  for (n = joined ? strlen(joined) : 0; n > 1 && joined[n - 1] == '/'; n--) {
    joined[n - 1] = '\0';
  }
  return joined;
}

int kv_folder_resolve(const char *path, const char *base, int create,
                      char **out, char **err) {
  char *absolute = kv_folder_absolute(path, base);
  struct stat st;
  int rc = absolute ? SQLITE_OK : SQLITE_NOMEM;

  *out = NULL;
  if (rc == SQLITE_OK && create) {
    if (kv_folder_make(absolute) != SQLITE_OK) {
      rc = kv_error(err, SQLITE_CANTOPEN,
                    errno == ENOENT
                      ? "cannot create folder %s: %s; only the last part of "
                        "a path is created, so mount or make the rest"
                      : "cannot create folder %s: %s",
                    absolute, strerror(errno));
    } else if (stat(absolute, &st) == 0 && !S_ISDIR(st.st_mode)) {
      rc = kv_error(err, SQLITE_CANTOPEN,
                    "%s is not a folder; name the folder that the devices "
                    "share",
                    absolute);
    }
  }
  if (rc == SQLITE_OK) rc = folder_real(absolute, out);
  sqlite3_free(absolute);
  return rc;
}

static int folder_compare_names(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* True for a directory. Most file systems say so without another call. */
static int folder_is_directory(const char *path, const struct dirent *entry) {
  kv_stamp stamp;
  char *child;
  int is_directory;

#ifdef DT_UNKNOWN
  if (entry->d_type != DT_UNKNOWN) return entry->d_type == DT_DIR;
#endif
  child = sqlite3_mprintf("%s/%s", path, entry->d_name);
  is_directory = child && kv_folder_look(child, &stamp) == KV_FILE_DIRECTORY;
  sqlite3_free(child);
  return is_directory;
}

int kv_folder_each(const char *path, kv_folder_take *take, void *to) {
  DIR *dir = opendir(path);
  struct dirent *entry;
  int rc = dir ? SQLITE_OK : SQLITE_CANTOPEN;

  while (rc == SQLITE_OK && (entry = readdir(dir)) != NULL) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
      continue;
    }
    rc = take(to, entry->d_name);
  }
  if (dir) closedir(dir);
  return rc;
}

int kv_folder_list(const char *path, int most, int only_directories,
                   char ***out, int *n) {
  DIR *dir = opendir(path);
  struct dirent *entry;
  char **names = NULL;
  int capacity = 0;
  int count = 0;
  int rc = dir ? SQLITE_OK : SQLITE_CANTOPEN;

  while (rc == SQLITE_OK && count < most && (entry = readdir(dir)) != NULL) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
      continue;
    }
    if (only_directories && !folder_is_directory(path, entry)) continue;
    if (count == capacity) {
      char **more;
      capacity = capacity ? 2 * capacity : 16;
      more =
        sqlite3_realloc64(names, (sqlite3_uint64)capacity * sizeof(*names));
      if (!more) {
        rc = SQLITE_NOMEM;
        break;
      }
      names = more;
    }
    names[count] = kv_strdup(entry->d_name);
    if (!names[count++]) rc = SQLITE_NOMEM;
  }
  if (dir) closedir(dir);
  if (rc != SQLITE_OK) {
    kv_folder_free_names(names, count);
    names = NULL;
    count = 0;
  }
  if (count) qsort(names, (size_t)count, sizeof(*names), folder_compare_names);
  *out = names;
  *n = count;
  return rc;
}

int64_t kv_folder_room(const char *path) {
  struct statvfs st;

  if (statvfs(path, &st) != 0 || st.f_blocks == 0) return -1;
  if (st.f_bavail > (uint64_t)INT64_MAX / st.f_frsize) return INT64_MAX;
  return (int64_t)((uint64_t)st.f_bavail * st.f_frsize);
}

/* Read the first line of a system file. */
static size_t folder_read_line(const char *path, char *out, size_t size) {
  FILE *f = fopen(path, "re");
  size_t n = 0;

  if (f) {
    if (fgets(out, (int)size, f)) n = strcspn(out, "\r\n");
    fclose(f);
  }
  out[n] = '\0';
  return n;
}

void kv_folder_machine(char out[KV_MACHINE_SIZE]) {
  static const char no_id[KV_ID_SIZE] = {0};
  char line[128];
  size_t n = folder_read_line("/etc/machine-id", line, sizeof(line));

  if (n < 16) {
    n = folder_read_line("/var/lib/dbus/machine-id", line, sizeof(line));
  }
  if (n < 16) n = folder_read_line("/etc/hostid", line, sizeof(line));
#ifdef __APPLE__
  if (n < 16) {
    struct timespec wait = {1, 0};
    uuid_t uuid;
    if (gethostuuid(uuid, &wait) == 0) {
      memcpy(line, uuid, 16);
      n = 16;
    }
  }
#endif
  out[0] = '\0';
  if (n < 16) return;
  sqlite3_snprintf(KV_MACHINE_SIZE, out, "%016llx",
                   (sqlite3_uint64)kv_row_base_sum(line, n, no_id));
}

int64_t kv_folder_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t kv_folder_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
#else
typedef int kv_folder_is_elsewhere; /* folder_windows.c */
#endif

#include "folder.h"

int64_t kv_stamp_newest(const kv_stamp *stamp) {
  return stamp->mtime > stamp->ctime ? stamp->mtime : stamp->ctime;
}

void kv_folder_free_names(char **names, int n) {
  int i;
  for (i = 0; i < n; i++)
    sqlite3_free(names[i]);
  sqlite3_free(names);
}
