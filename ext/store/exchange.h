/*
** What a store remembers from one sync to the next.
**
** sync/ and own/ read and set it. It is lost with the connection; whatever must
** survive is in the shadow tables.
*/
#ifndef KV_STORE_EXCHANGE_H
#define KV_STORE_EXCHANGE_H

#include "identity.h"

struct kv_exchange {
  int adopt;          /* take over a log that another machine writes; until */
  int must_look;      /* a write was refused: the next sync looks why */
  int is_checked;     /* the cache is of a format that is known here */
  int wants_index;    /* by time: a question was asked that it answers */
  char *commit_error; /* why the last commit of the log failed, or NULL */
  int commit_rc;      /* its code, until a statement has failed with it */
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
