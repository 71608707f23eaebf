/*
** Waiting for locks. See busy.h.
*/
#include "busy.h"

#include <string.h>

#define BUSY_LONGEST 20 /* milliseconds between two attempts */

/* The handler that is known: it never waits. */
static int busy_known(void *arg, int n) {
  (void)arg;
  (void)n;
  return 0;
}

/* Where a connection keeps a handler and its argument, one behind the other. */
static int busy_where(sqlite3 *db) {
  kv_busy_handler known = {busy_known, db};
  size_t size = (size_t)sqlite3_msize(db);
  size_t i;
  int where = -1;

  sqlite3_busy_handler(db, known.call, known.arg);
  for (i = 0; i + sizeof(known) <= size; i += sizeof(void *)) {
    kv_busy_handler there;

    memcpy(&there, (const char *)db + i, sizeof(there));
    if (there.call == known.call && there.arg == known.arg) where = (int)i;
  }
  return where;
}

kv_busy_handler kv_busy_find(sqlite3 *host, int *where) {
  kv_busy_handler handler = {NULL, NULL};

  if (*where == 0) {
    sqlite3 *db = NULL;

    if (sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE, NULL) ==
        SQLITE_OK) {
      *where = busy_where(db);
    }
    sqlite3_close(db);
  }
  if (*where > 0) {
    memcpy(&handler, (const char *)host + *where, sizeof(handler));
  }
  return handler;
}

void kv_busy_set(sqlite3 *handle, const kv_busy *busy) {
  if (busy->handler.call) {
    sqlite3_busy_handler(handle, busy->handler.call, busy->handler.arg);
  } else {
    sqlite3_busy_timeout(handle, busy->timeout);
  }
}

int kv_busy_again(const kv_busy *busy, kv_busy_wait *wait) {
  if (busy->handler.call) {
    return busy->handler.call(busy->handler.arg, wait->n++);
  }
  if (wait->waited >= busy->timeout) return 0;
  /* Not by the same each time, so that two processes fall out of step. */
  if (wait->next < BUSY_LONGEST) wait->next += 1 + wait->waited % 3;
  sqlite3_sleep(wait->next);
  wait->waited += wait->next;
  return 1;
}
