/*
** A VFS that counts operations on files, and dies or fails at one of them.
**
** It wraps the system's own VFS and is the default one: the host's files and
** the logs go through it. Calls that the product makes without SQLite (lstat, fstatat,
** opendir, mkdir, rename, fsync) are wrapped by the linker and count, too.
** Without a plan it only passes calls on.
*/
#ifndef FAULT_VFS_FAULT_H
#define FAULT_VFS_FAULT_H

#include <sqlite3.h>

typedef enum fault_kind {
  FAULT_OPEN,
  FAULT_READ,
  FAULT_WRITE,
  FAULT_TRUNCATE,
  FAULT_SYNC,
  FAULT_SIZE,
  FAULT_LOCK,
  FAULT_UNLOCK,
  FAULT_DELETE,
  FAULT_ACCESS,
  FAULT_SHARED, /* the index of a WAL */
  FAULT_LOOK,   /* lstat, fstatat */
  FAULT_LIST,   /* opendir */
  FAULT_MAKE,   /* mkdir */
  FAULT_RENAME,
  FAULT_SYNC_FOLDER,
  FAULT_CREATE /* an open that creates the file, in plans that ask for these */
} fault_kind;

#define FAULT_BIT(kind) (1u << FAULT_##kind)
#define FAULT_ALL 0xffffu
/* Operations that change the disk, or what would survive a loss of power. */
#define FAULT_CHANGES                                                          \
  (FAULT_BIT(OPEN) | FAULT_BIT(WRITE) | FAULT_BIT(TRUNCATE) |                  \
   FAULT_BIT(SYNC) | FAULT_BIT(DELETE) | FAULT_BIT(MAKE) | FAULT_BIT(RENAME) | \
   FAULT_BIT(SYNC_FOLDER))
/* Operations that change the files that a process leaves when it dies. */
#define FAULT_TRACES                                                           \
  (FAULT_BIT(CREATE) | FAULT_BIT(WRITE) | FAULT_BIT(TRUNCATE) |                \
   FAULT_BIT(DELETE) | FAULT_BIT(MAKE) | FAULT_BIT(RENAME))

typedef enum fault_how {
  FAULT_DIE_BEFORE,
  FAULT_DIE_AFTER,
  FAULT_DIE_HALF, /* with the first half of a write on the disk */
  FAULT_FAIL_ONCE,
  FAULT_FAIL_ON /* this one and all that follow */
} fault_how;

/* The exit status of a process that died by plan. */
#define FAULT_DIED 77

typedef struct fault_plan {
  unsigned kinds; /* what counts, FAULT_BIT(...) */
  long at;        /* the number of the operation, from 1; 0: none */
  fault_how how;
  int rc; /* the code to fail with */
} fault_plan;

/* The current operation; bytes is what is written. */
typedef struct fault_event {
  fault_kind kind;
  const char *path;
  const char *to; /* of a rename */
  const void *bytes;
  sqlite3_int64 at;
  sqlite3_int64 n;
  int flags;        /* of xOpen; of xDelete whether the folder is synced */
  int syncs_folder; /* this xSync makes the file's name durable, too */
} fault_event;

/* Register the VFS as the default one. */
void fault_install(void);

/* Begin to count; NULL for no plan. */
void fault_arm(const fault_plan *plan);

/* How many operations of the plan's kinds there were, and how many failed. */
long fault_count(void);
long fault_failed(void);

/* Called after each operation that succeeded; NULL for nobody. */
void fault_watch(void (*after)(const fault_event *));

#endif
