/*
** How a connection waits for the log of its device while another process has
** it locked: as the host waits for a lock, by its own busy handler.
**
** SQLite tells the time of sqlite3_busy_timeout(), and has no question for a
** handler of sqlite3_busy_handler(). Where a connection keeps it is found out
** with another connection, which is given a handler that is known; from the
** host it is only read.
** https://www.sqlite.org/c3ref/busy_handler.html
**
** INVARIANT: nothing waits that neither a handler nor a timeout lets wait.
*/
#ifndef KV_DB_BUSY_H
#define KV_DB_BUSY_H

#include "sqlite.h"

/* A handler: it is called with arg, and with how often it was before. */
typedef struct kv_busy_handler {
  int (*call)(void *arg, int n); /* NULL: there is none */
  void *arg;
} kv_busy_handler;

typedef struct kv_busy {
  int timeout; /* milliseconds, where there is no handler */
  kv_busy_handler handler;
} kv_busy;

/*
** The handler that a connection without a timeout has. *where is 0 at first,
** and kept for the next time: bytes from the beginning of the object, or -1 if
** this SQLite does not keep handlers as all that are known do. Then there is
** none, nor if there is no memory to look.
*/
kv_busy_handler kv_busy_find(sqlite3 *host, int *where);

/* A handle waits so. */
void kv_busy_set(sqlite3 *handle, const kv_busy *busy);

/* One wait for something that SQLite does not wait for; begins as zeros. */
typedef struct kv_busy_wait {
  int n;      /* how often it waited */
  int waited; /* milliseconds */
  int next;
} kv_busy_wait;

/* Wait a moment: 0 if that was long enough, and it is to be given up. */
int kv_busy_again(const kv_busy *busy, kv_busy_wait *wait);

#endif
