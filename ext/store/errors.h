/*
** The errors of a store. Each message says what you can do about it.
**
** Each function returns the code to pass on, and sets *err as kv_error() does:
** the first message stays.
*/
#ifndef KV_STORE_ERRORS_H
#define KV_STORE_ERRORS_H

#include "file/state.h"
#include "identity.h"

/*
** The error rc of a statement of the store; SQLITE_OK is no error. `what` was
** being done: "cannot publish". The code is never a private one (db/error.h).
*/
int kv_store_error(kv_store *store, char **err, int rc, const char *what);

/* The error for a cache that contradicts what this device wrote, or another one. */
int kv_store_wrong_cache(const kv_store *store, char **err);
int kv_store_wrong_cache_of(const kv_store *store, const char *device,
                            char **err);

/* The error of a write whose own log must first be rebuilt by kv_sync(). */
int kv_store_postpone(const kv_store *store, const kv_verdict *verdict,
                      char **err);

/* The error of a write that a verdict on the own log forbids. */
int kv_store_refuse(const kv_store *store, const kv_verdict *verdict,
                    char **err);

/*
** If a newer version of this module made the cache: SQLITE_ERROR with a
** message. Nothing is read from that cache, or changed in it.
*/
int kv_store_refuse_newer(kv_store *store, char **err);

#endif
