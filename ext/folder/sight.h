/*
** What the folder's logs looked like when a connection last looked at them.
**
** The logs of the other devices are one number, so that a thousand of them are
** compared at once.
*/
#ifndef KV_FOLDER_SIGHT_H
#define KV_FOLDER_SIGHT_H

#include "folder.h"

typedef struct kv_sight {
  int is_known;    /* it is complete */
  int is_synced;   /* all that it shows is merged, as far as it can be */
  int64_t taken;   /* when it was begun, nanoseconds since 1970 */
  uint64_t others; /* the stamps of the other devices' logs */
  kv_stamp own;    /* that of the own log; zero if there is none */
} kv_sight;

/* Begin to look. */
void kv_sight_begin(kv_sight *sight);

/* The log of another device, in any order. */
void kv_sight_add(kv_sight *sight, const char *device, const kv_stamp *stamp);

/*
** True if a file that looks as it did may have changed since: its time of change
** was so near that a clock that ticks slowly shows no other.
*/
int kv_sight_is_unsure(const kv_sight *sight, const kv_stamp *stamp);

#endif
