/*
** How a connection waits for the log of its device while another process has
** it locked.
**
** SQLite tells an extension the time of sqlite3_busy_timeout(), not a handler of
** sqlite3_busy_handler(): a program that has one gives it to kv_busy_handler().
** https://www.sqlite.org/c3ref/busy_handler.html
**
** INVARIANT: nothing waits that neither a handler nor a timeout lets wait.
*/
#ifndef KV_STORE_BUSY_H
#define KV_STORE_BUSY_H

#include "kv.h"
#include "sqlite.h"

typedef struct kv_busy {
  int timeout;             /* milliseconds, where there is no handler */
  sqlite3_kv_busy handler; /* its function NULL: there is none */
} kv_busy;

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
