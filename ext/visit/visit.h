/*
** The logs of the other devices during a sync: finds which have changed, merges
** what is new, and notes their states.
**
**     kv_visit_device()   each device, in any order
**     kv_visit_later()    then, in one savepoint, all logs that take the place of
**                         what was read of them
*/
#ifndef KV_VISIT_VISIT_H
#define KV_VISIT_VISIT_H

#include "life/copies.h"
#include "store/identity.h"

/* The visits of one sync; zeroed but for the store. */
typedef struct kv_visits {
  kv_store *store;
  int64_t n_merged;        /* rows that were merged, */
  int64_t n_seen;          /* and those that acknowledge others, */
  int64_t n_retired;       /* or retire them */
  int is_again;            /* look also at what has not changed */
  struct kv_visit **later; /* logs whose turn has yet to come */
  int n_later;
  kv_directory *devices; /* of the folder; NULL: none is listed */
  kv_copies copies;      /* in the folder */
  int has_read; /* the stamps of the logs that were read to their end */
  struct kv_visit_read *read; /* are these, in the order of the devices */
  int n_read;
} kv_visits;

/*
** Merge what is new in a device's log, and note its state. is_listed: the
** device was found in the folder. Errors, with a message, come from the host's
** database, from memory or from an interrupt, never from the file.
*/
int kv_visit_device(kv_visits *visits, const char *device, int is_listed,
                    char **err);

/* All devices were visited: logs take the place of others, all or none. */
int kv_visit_later(kv_visits *visits, char **err);

/* Free what the visits hold. */
void kv_visit_end(kv_visits *visits);

#endif
