/*
** The shared folder: directories, names and stamps of files, and the identity
** of this machine. The only file that calls the operating system.
**
** INVARIANT: nothing here follows a symbolic link below the folder's root,
** and nothing opens a log file (a raw open and close would drop the locks
** that SQLite holds on it: https://www.sqlite.org/howtocorrupt.html).
*/
#ifndef KV_FOLDER_FOLDER_H
#define KV_FOLDER_FOLDER_H

#include <stdint.h>

#include "db/sqlite.h"

typedef enum kv_file_kind {
  KV_FILE_NONE,      /* there is nothing of that name */
  KV_FILE_REGULAR,   /* */
  KV_FILE_DIRECTORY, /* */
  KV_FILE_OTHER,     /* link, pipe, device, socket */
  KV_FILE_UNKNOWN    /* cannot be accessed: no permission, I/O error */
} kv_file_kind;

/* Identifies one state of a file; times in nanoseconds. */
typedef struct kv_stamp {
  int64_t inode;
  int64_t size; /* bytes */
  int64_t mtime;
  int64_t ctime;
} kv_stamp;

/*
** Look at a path, not following a link. *stamp is zeroed if it is not a file.
*/
kv_file_kind kv_folder_look(const char *path, kv_stamp *stamp);

/*
** An open directory. Looking at a file in it takes the system less time than by
** the whole path, of which a sync looks at two for each device.
*/
typedef struct kv_directory kv_directory;

/* SQLITE_CANTOPEN (a link counts as none), SQLITE_NOMEM: then *out is NULL. */
int kv_folder_open(const char *path, kv_directory **out);

/* The same as kv_folder_look() of {directory}/{path}. */
kv_file_kind kv_folder_look_in(const kv_directory *directory, const char *path,
                               kv_stamp *stamp);

void kv_folder_close(kv_directory *directory);

/* How long a file may change unnoticed, nanoseconds: FAT's clock tick. */
#define KV_STAMP_TICK INT64_C(2000000000)

/* The time of its last change, as far as the stamp tells. */
int64_t kv_stamp_newest(const kv_stamp *stamp);

/*
** True if a file with this stamp may still change while its stamp stays the
** same: its newest time is less than KV_STAMP_TICK ago.
*/
int kv_folder_is_fresh(const kv_stamp *stamp);

/*
** Give a file the time of now as that of its last change, without opening it.
** Whether that succeeds does not matter.
*/
void kv_folder_touch(const char *path);

/*
** The absolute form of a path, links not followed, for sqlite3_free(). A
** relative path is relative to `base`, a folder (NULL: the working directory).
** NULL if there is no memory.
*/
char *kv_folder_absolute(const char *path, const char *base);

/*
** The absolute path, without links, of the folder of a store; a relative path
** as above. With `create`, its last component is created if it is missing.
** Without, the folder need not exist: its parent is resolved as far as that
** exists. *out is for sqlite3_free(). Errors: SQLITE_CANTOPEN with a message.
*/
int kv_folder_resolve(const char *path, const char *base, int create,
                      char **out, char **err);

/* Make a directory and sync its parent; one that exists is fine. */
int kv_folder_make(const char *path);

/*
** Make a directory that nobody else can look into, or fail: SQLITE_CANTOPEN if
** there is anything of that name. It is temporary, so nothing is synced.
*/
int kv_folder_make_private(const char *path);

/* Remove an empty directory. */
int kv_folder_remove(const char *path);

/* Rename a file within its directory and sync that. */
int kv_folder_rename(const char *from, const char *to);

/*
** Hand each name in a directory to take(to, name), in no order, except "." and
** "..", until that returns an error: of a directory with a million of them, none
** is kept. Errors: SQLITE_CANTOPEN, SQLITE_NOMEM, that of take().
*/
typedef int kv_folder_take(void *to, const char *name);
int kv_folder_each(const char *path, kv_folder_take *take, void *to);

/*
** The names in a directory, sorted bytewise, without "." and "..", or only
** those of its directories (a link to one does not count). *out is an array of
** *n texts for kv_folder_free_names(). Lists at most `most` names. Errors:
** SQLITE_CANTOPEN, SQLITE_NOMEM.
*/
int kv_folder_list(const char *path, int most, int only_directories,
                   char ***out, int *n);

void kv_folder_free_names(char **names, int n);

/* Free bytes on the disk of a file; -1: the system does not say. */
int64_t kv_folder_room(const char *path);

/* Bytes of a machine's identity as text, with its final NUL. */
#define KV_MACHINE_SIZE 17

/*
** A hash of this machine's identity (not of its name), 16 hex digits; '' if the
** system has none.
*/
void kv_folder_machine(char out[KV_MACHINE_SIZE]);

/* The wall clock, microseconds since 1970. */
int64_t kv_folder_now(void);

/* Microseconds since some moment; nobody sets this clock. */
int64_t kv_folder_clock(void);

#endif
