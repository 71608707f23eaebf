/*
** A VFS that counts, dies and fails. See vfs_fault.h.
*/
#define _GNU_SOURCE
#include "vfs_fault.h"

#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct fault_file {
  sqlite3_file base; /* base class: must be first */
  const char *path;  /* SQLite keeps it while the file is open; or NULL */
  int syncs_folder;  /* the next xSync does, as in the unix VFS */
  sqlite3_file *real;
} fault_file;

static sqlite3_vfs *fault_real;
static fault_plan fault_now;
static long fault_counter;
static long fault_failures;
static int fault_is_dying;
static void (*fault_after)(const fault_event *);

/* Before an operation: die, or return the code that it must fail with. */
static int fault_enter(fault_kind kind) {
  if (!(fault_now.kinds & (1u << kind))) return SQLITE_OK;
  fault_counter++;
  if (fault_now.at == 0 || fault_counter < fault_now.at) return SQLITE_OK;
  if (fault_now.how == FAULT_FAIL_ON ||
      (fault_now.how == FAULT_FAIL_ONCE && fault_counter == fault_now.at)) {
    fault_failures++;
    return fault_now.rc;
  }
  if (fault_counter != fault_now.at) return SQLITE_OK;
  if (fault_now.how == FAULT_DIE_BEFORE) _exit(FAULT_DIED);
  fault_is_dying = fault_now.how != FAULT_FAIL_ONCE;
  return SQLITE_OK;
}

/* After it. */
static int fault_leave(const fault_event *event, int rc) {
  if (fault_is_dying) _exit(FAULT_DIED);
  if (rc == SQLITE_OK && fault_after) fault_after(event);
  return rc;
}

/* Do half of a write; the caller reports that it failed. */
static void fault_write_half(sqlite3_file *real, const void *bytes, int n,
                             sqlite3_int64 at) {
  if (n > 1) real->pMethods->xWrite(real, bytes, n / 2, at);
}

#define REAL(file) (((fault_file *)(file))->real)
#define CALL(file, method, ...)                                                \
  REAL(file)->pMethods->method(REAL(file), __VA_ARGS__)

static int file_close(sqlite3_file *file) {
  return REAL(file)->pMethods->xClose(REAL(file));
}

static int file_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at) {
  int rc = fault_enter(FAULT_READ);

  if (rc != SQLITE_OK) return rc;
  rc = CALL(file, xRead, out, n, at);
  if (fault_is_dying) _exit(FAULT_DIED);
  return rc;
}

static int file_write(sqlite3_file *file, const void *bytes, int n,
                      sqlite3_int64 at) {
  fault_event event = {.kind = FAULT_WRITE, .bytes = bytes, .at = at, .n = n};
  int rc = fault_enter(FAULT_WRITE);

  event.path = ((fault_file *)file)->path;
  if (rc == SQLITE_FULL ||
      (fault_is_dying && fault_now.how == FAULT_DIE_HALF)) {
    fault_write_half(REAL(file), bytes, n, at);
    if (fault_is_dying) _exit(FAULT_DIED);
    if (n > 1 && fault_after) {
      event.n = n / 2;
      fault_after(&event);
    }
  }
  if (rc != SQLITE_OK) return rc;
  return fault_leave(&event, CALL(file, xWrite, bytes, n, at));
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 n) {
  fault_event event = {.kind = FAULT_TRUNCATE, .n = n};
  int rc = fault_enter(FAULT_TRUNCATE);

  event.path = ((fault_file *)file)->path;
  if (rc != SQLITE_OK) return rc;
  return fault_leave(&event, CALL(file, xTruncate, n));
}

static int file_sync(sqlite3_file *file, int flags) {
  fault_event event = {.kind = FAULT_SYNC};
  int rc = fault_enter(FAULT_SYNC);

  event.path = ((fault_file *)file)->path;
  if (rc != SQLITE_OK) return rc;
  event.syncs_folder = ((fault_file *)file)->syncs_folder;
  rc = CALL(file, xSync, flags);
  if (rc == SQLITE_OK) ((fault_file *)file)->syncs_folder = 0;
  return fault_leave(&event, rc);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *out) {
  fault_event event = {.kind = FAULT_SIZE};
  int rc = fault_enter(FAULT_SIZE);

  if (rc != SQLITE_OK) return rc;
  return fault_leave(&event, CALL(file, xFileSize, out));
}

static int file_lock(sqlite3_file *file, int level) {
  fault_event event = {.kind = FAULT_LOCK};
  int rc = fault_enter(FAULT_LOCK);

  if (rc != SQLITE_OK) return rc;
  return fault_leave(&event, CALL(file, xLock, level));
}

static int file_unlock(sqlite3_file *file, int level) {
  fault_event event = {.kind = FAULT_UNLOCK};
  int rc = fault_enter(FAULT_UNLOCK);
  int rc2 = CALL(file, xUnlock, level);

  return fault_leave(&event, rc == SQLITE_OK ? rc2 : rc);
}

static int file_reserved(sqlite3_file *file, int *out) {
  fault_event event = {.kind = FAULT_LOCK};
  int rc = fault_enter(FAULT_LOCK);

  if (rc != SQLITE_OK) return rc;
  return fault_leave(&event, CALL(file, xCheckReservedLock, out));
}

static int file_control(sqlite3_file *file, int op, void *arg) {
  return CALL(file, xFileControl, op, arg);
}

static int file_sector_size(sqlite3_file *file) {
  return REAL(file)->pMethods->xSectorSize(REAL(file));
}

static int file_characteristics(sqlite3_file *file) {
  return REAL(file)->pMethods->xDeviceCharacteristics(REAL(file));
}

static int file_shm_map(sqlite3_file *file, int page, int size, int extend,
                        void volatile **out) {
  fault_event event = {.kind = FAULT_SHARED};
  int rc = fault_enter(FAULT_SHARED);

  *out = NULL;
  if (rc != SQLITE_OK) return rc;
  return fault_leave(&event, CALL(file, xShmMap, page, size, extend, out));
}

static int file_shm_lock(sqlite3_file *file, int at, int n, int flags) {
  fault_event event = {.kind = FAULT_SHARED};
  int rc = flags & SQLITE_SHM_UNLOCK ? SQLITE_OK : fault_enter(FAULT_SHARED);

  if (rc != SQLITE_OK) return rc;
  return fault_leave(&event, CALL(file, xShmLock, at, n, flags));
}

static void file_shm_barrier(sqlite3_file *file) {
  REAL(file)->pMethods->xShmBarrier(REAL(file));
}

static int file_shm_unmap(sqlite3_file *file, int delete) {
  return CALL(file, xShmUnmap, delete);
}

static const sqlite3_io_methods file_methods = {
  2,                    /* iVersion: without mapped memory */
  file_close,           /* xClose */
  file_read,            /* xRead */
  file_write,           /* xWrite */
  file_truncate,        /* xTruncate */
  file_sync,            /* xSync */
  file_size,            /* xFileSize */
  file_lock,            /* xLock */
  file_unlock,          /* xUnlock */
  file_reserved,        /* xCheckReservedLock */
  file_control,         /* xFileControl */
  file_sector_size,     /* xSectorSize */
  file_characteristics, /* xDeviceCharacteristics */
  file_shm_map,         /* xShmMap */
  file_shm_lock,        /* xShmLock */
  file_shm_barrier,     /* xShmBarrier */
  file_shm_unmap,       /* xShmUnmap */
  NULL,                 /* xFetch */
  NULL,                 /* xUnfetch */
};

#define JOURNALS                                                               \
  (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL)

static fault_kind vfs_open_kind(const char *path, int flags) {
  if (!(fault_now.kinds & FAULT_BIT(CREATE))) return FAULT_OPEN;
  return path && (flags & SQLITE_OPEN_CREATE) && access(path, F_OK) != 0
           ? FAULT_CREATE
           : FAULT_OPEN;
}

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file,
                    int flags, int *out_flags) {
  fault_event event = {.kind = FAULT_OPEN, .path = path, .flags = flags};
  fault_file *f = (fault_file *)file;
  int rc = fault_enter(vfs_open_kind(path, flags));

  (void)vfs;
  memset(f, 0, sizeof(*f));
  if (rc != SQLITE_OK) return rc;
  f->path = path;
  f->syncs_folder = (flags & SQLITE_OPEN_CREATE) && (flags & JOURNALS);
  f->real = (sqlite3_file *)&f[1];
  rc = fault_real->xOpen(fault_real, path, f->real, flags, out_flags);
  if (f->real->pMethods) f->base.pMethods = &file_methods;
  return fault_leave(&event, rc);
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync) {
  fault_event event = {.kind = FAULT_DELETE, .path = path, .flags = sync};
  int rc = fault_enter(FAULT_DELETE);

  (void)vfs;
  if (rc != SQLITE_OK) return rc;
  return fault_leave(&event, fault_real->xDelete(fault_real, path, sync));
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *out) {
  fault_event event = {.kind = FAULT_ACCESS, .path = path};
  int rc = fault_enter(FAULT_ACCESS);

  (void)vfs;
  if (rc != SQLITE_OK) return rc;
  return fault_leave(&event, fault_real->xAccess(fault_real, path, flags, out));
}

/* There is nobody to wait for. */
static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
  (void)vfs;
  return microseconds;
}

void fault_install(void) {
  static sqlite3_vfs vfs;

  if (fault_real) return;
  fault_real = sqlite3_vfs_find(NULL);
  vfs = *fault_real;
  vfs.iVersion = 2;
  vfs.pNext = NULL;
  vfs.zName = "kvfault";
  vfs.szOsFile = (int)sizeof(fault_file) + fault_real->szOsFile;
  vfs.xOpen = vfs_open;
  vfs.xDelete = vfs_delete;
  vfs.xAccess = vfs_access;
  vfs.xSleep = vfs_sleep;
  sqlite3_vfs_register(&vfs, 1);
}

void fault_arm(const fault_plan *plan) {
  memset(&fault_now, 0, sizeof(fault_now));
  if (plan) fault_now = *plan;
  fault_counter = fault_failures = 0;
}

long fault_count(void) {
  return fault_counter;
}

long fault_failed(void) {
  return fault_failures;
}

void fault_watch(void (*after)(const fault_event *)) {
  fault_after = after;
}

/* Directories: ld --wrap. */

int __real_lstat(const char *path, struct stat *out);
int __wrap_lstat(const char *path, struct stat *out);
int __real_fstatat(int fd, const char *path, struct stat *out, int flags);
int __wrap_fstatat(int fd, const char *path, struct stat *out, int flags);
DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_fsync(int fd);
int __wrap_fsync(int fd);

/* If it must fail, errno says why. */
static int folder_enter(fault_kind kind) {
  switch (fault_enter(kind)) {
    case SQLITE_OK: return 0;
    case SQLITE_FULL: errno = ENOSPC; return 1;
    case SQLITE_CANTOPEN: errno = EACCES; return 1;
    case SQLITE_BUSY: errno = EBUSY; return 1;
    default: errno = EIO; return 1;
  }
}

static int folder_leave(const fault_event *event, int result) {
  int saved = errno;

  fault_leave(event, result == 0 ? SQLITE_OK : SQLITE_IOERR);
  errno = saved;
  return result;
}

int __wrap_lstat(const char *path, struct stat *out) {
  fault_event event = {.kind = FAULT_LOOK, .path = path};

  if (folder_enter(FAULT_LOOK)) return -1;
  return folder_leave(&event, __real_lstat(path, out));
}

int __wrap_fstatat(int fd, const char *path, struct stat *out, int flags) {
  fault_event event = {.kind = FAULT_LOOK, .path = path};

  if (folder_enter(FAULT_LOOK)) return -1;
  return folder_leave(&event, __real_fstatat(fd, path, out, flags));
}

#ifdef __GLIBC__
/* The name that glibc uses with large files, as everywhere here. */
int __real_lstat64(const char *path, struct stat *out);
int __wrap_lstat64(const char *path, struct stat *out);

int __wrap_lstat64(const char *path, struct stat *out) {
  fault_event event = {.kind = FAULT_LOOK, .path = path};

  if (folder_enter(FAULT_LOOK)) return -1;
  return folder_leave(&event, __real_lstat64(path, out));
}

int __real_fstatat64(int fd, const char *path, struct stat *out, int flags);
int __wrap_fstatat64(int fd, const char *path, struct stat *out, int flags);

int __wrap_fstatat64(int fd, const char *path, struct stat *out, int flags) {
  fault_event event = {.kind = FAULT_LOOK, .path = path};

  if (folder_enter(FAULT_LOOK)) return -1;
  return folder_leave(&event, __real_fstatat64(fd, path, out, flags));
}
#endif

DIR *__wrap_opendir(const char *path) {
  fault_event event = {.kind = FAULT_LIST, .path = path};
  DIR *dir = folder_enter(FAULT_LIST) ? NULL : __real_opendir(path);

  folder_leave(&event, dir ? 0 : -1);
  return dir;
}

int __wrap_mkdir(const char *path, mode_t mode) {
  fault_event event = {.kind = FAULT_MAKE, .path = path};

  if (folder_enter(FAULT_MAKE)) return -1;
  return folder_leave(&event, __real_mkdir(path, mode));
}

int __wrap_rename(const char *from, const char *to) {
  fault_event event = {.kind = FAULT_RENAME, .path = from, .to = to};

  if (folder_enter(FAULT_RENAME)) return -1;
  return folder_leave(&event, __real_rename(from, to));
}

int __wrap_fsync(int fd) {
  fault_event event = {.kind = FAULT_SYNC_FOLDER};
  char link[64];
  char path[4096];
  ssize_t n;

  if (folder_enter(FAULT_SYNC_FOLDER)) return -1;
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  n = readlink(link, path, sizeof(path) - 1);
  path[n > 0 ? n : 0] = '\0';
  event.path = path;
  return folder_leave(&event, __real_fsync(fd));
}
