/*
** Waiting for locks. See busy.h.
*/
#include "busy.h"

#define BUSY_LONGEST 20 /* milliseconds between two attempts */

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
