/*
** What a store remembers from one sync to the next.
**
** sync/ and own/ read and set it. It is lost with the connection; whatever must
** survive is in the shadow tables.
*/
#ifndef KV_STORE_EXCHANGE_H
#define KV_STORE_EXCHANGE_H

#include "folder/sight.h"
#include "identity.h"

struct kv_exchange {
  int64_t segment;    /* bytes of log.db at which it is sealed; 0: never */
  int64_t seal_at;    /* if that failed: bytes at which it is tried again */
  int adopt;          /* take over a log that another machine writes */
  int puts_off;       /* the rows of a commit wait for the next sync */
  int64_t history;    /* microseconds that kv_sync() keeps; <= 0: all */
  int must_look;      /* a write was refused, or the log was compacted: the */
                      /* next sync looks at it, changed or not */
  int must_verify;    /* the own log has a damaged row: read all of it */
  int is_checked;     /* the cache is of a format that is known here */
  int wants_index;    /* by time: a query ran that it would make faster */
  char *commit_error; /* why the last commit of the log failed, or NULL */
  int commit_rc;      /* its code, until a statement has failed with it */
  int64_t expired;    /* when it was last looked for history to give up */
  int64_t next_look;  /* for seen rows that are due, although nothing came */
  kv_sight sight;     /* the logs when this connection looked last */
};

/* The cache is a new one, or the store is closed: forget everything. */
void kv_exchange_forget(kv_exchange *exchange);

/*
** Note how the last commit of the log ended: rc, and why (copied; NULL:
** SQLite's text for rc).
*/
void kv_exchange_note_commit(kv_exchange *exchange, int rc, const char *why);

/* Why the last commit of the log failed, borrowed; NULL if it did not. */
const char *kv_exchange_commit_error(const kv_store *store);

#endif
