/*
** Files in the folder that no log consists of: conflict copies, files of tools,
** logs that were set aside. They are listed, and nothing reads them.
**
** INVARIANT: no file is opened; directories are listed, and files are stat'ed.
*/
#ifndef KV_SYNC_OTHERS_H
#define KV_SYNC_OTHERS_H

#include "store/identity.h"

typedef struct kv_others {
  char **paths;   /* below the root */
  char **details; /* what each is, and what to do about it */
  int n;
} kv_others;

/* Add the files in the folder that are not read. */
int kv_others_list(kv_store *store, kv_others *others);

void kv_others_free(kv_others *others);

/*
** How many files the log of a device has: log.db and the sealed files of its id
** (NULL: not known); and how many bytes they have together.
*/
int kv_others_measure(const kv_store *store, const char *device,
                      const unsigned char *id, int *n_files, int64_t *bytes);

#endif
