/*
** May the directory of a retired device be deleted? Only if nothing goes with it: its
** log, and the copies in it, are kept by others.
*/
#ifndef KV_RETIRE_GONE_H
#define KV_RETIRE_GONE_H

#include "store/identity.h"

typedef enum kv_gone {
  KV_GONE_ALREADY, /* there is no such directory */
  KV_GONE_MAY,     /* it may be deleted */
  KV_GONE_NOT_YET  /* something is in it that nobody else has here */
} kv_gone;

/*
** Does a copy here, which a device that is not retired keeps, have all of a device's log
** that anybody is known to have merged?
*/
int kv_gone_is_copied(kv_store *store, const char *device, int *is_copied);

/*
** Does a file verify as the whole log of a device, up to row `seq` at least, of the
** generation `id` or a later one?
*/
int kv_gone_reaches(kv_store *store, const char *device, const char *path,
                    const unsigned char *id, int64_t seq, int *reaches);

/* Look at the directory of a retired device, and read the copies of its log. */
int kv_gone_look(kv_store *store, const char *device, kv_gone *out);

#endif
