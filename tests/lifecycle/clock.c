/*
** The clock of kv_next: that of the system, until somebody sets it.
**
** A store could be given its time with option now=, but only when it opens, and then
** it forgets whatever it keeps between two calls.
*/
#include "clock.h"

#undef clock_gettime

#define CLOCK_DAY INT64_C(86400000000)

int64_t kv_test_pause = CLOCK_DAY;
static int64_t clock_set = -1; /* microseconds */

int kv_test_clock(clockid_t id, struct timespec *out) {
  if (id != CLOCK_REALTIME || clock_set < 0) return clock_gettime(id, out);
  out->tv_sec = (time_t)(clock_set / 1000000);
  out->tv_nsec = (long)(clock_set % 1000000) * 1000;
  return 0;
}

/* Both in microseconds. */
__attribute__((visibility("default"))) void kv_test_set(int64_t now,
                                                        int64_t pause);
void kv_test_set(int64_t now, int64_t pause) {
  clock_set = now;
  kv_test_pause = pause;
}
