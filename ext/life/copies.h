/*
** Copies of logs: devices/KEEPER/of/NAME.db is the whole log of the device NAME in one
** file, which KEEPER keeps. A copy is a source of that log like its own directory.
**
** INVARIANT: directories are listed; only kv_copies_lineage() opens files.
*/
#ifndef KV_LIFE_COPIES_H
#define KV_LIFE_COPIES_H

#include "core/names.h"
#include "core/row.h"
#include "db/sqlite.h"
#include "folder/folder.h"

/* A copy of the log of a device. */
typedef struct kv_copy {
  char device[KV_NAME_MAX + 1];
  char keeper[KV_NAME_MAX + 1];
  char *path;
} kv_copy;

/* All copies in a folder, in the order of their devices. */
typedef struct kv_copies {
  kv_copy *copies;
  int n;
} kv_copies;

/*
** Find the copies that the devices with these names keep; `devices` is the
** directory {root}/devices. SQLITE_NOMEM.
*/
int kv_copies_find(const char *root, const kv_directory *devices,
                   char **keepers, int n_keepers, kv_copies *out);

/* The same for all devices that have a directory. *out need not be initialized. */
int kv_copies_find_all(const char *root, kv_copies *out);

/* The copies of one device; *n is how many. Borrowed. */
const kv_copy *kv_copies_of(const kv_copies *copies, const char *device,
                            int *n);

/*
** Of which lineage the copies of a device's log are: of several, the smallest one.
** *found is 0 if none of them verifies.
*/
int kv_copies_lineage(sqlite3 *host, const kv_copy *copies, int n,
                      unsigned char out[KV_LINEAGE_SIZE], int *found);

/* Change a stamp of a log so that it is another one if a copy is another one. */
void kv_copies_stamp(const kv_copy *copies, int n, kv_stamp *stamp);

/* True if this is the name of a copy, X.db; then *out is the device, X. */
int kv_copies_name(const char *file, char out[KV_NAME_MAX + 1]);

void kv_copies_free(kv_copies *copies);

#endif
