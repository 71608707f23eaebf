/*
** The hybrid logical clock; see clock.h.
**
**            counts                         does not count
**   <---------------------------------->|<------------------------>
**   0          wall          wall + KV_CLOCK_AHEAD        KV_TS_MAX
**
** A transaction is stamped max(wall, latest that counts + 1). So a clock that
** was set back continues from its own last time, and a fast clock makes others
** at most KV_CLOCK_AHEAD fast.
**
** KV_TS_MAX itself never counts, for nothing valid comes after it.
*/
#include "clock.h"

#include <assert.h>

/* A clock before 1970 reads as 0, and times count up from there. */
static int64_t clock_reading(int64_t wall) {
  return wall < 0 ? 0 : wall;
}

int64_t kv_clock_limit(int64_t wall) {
  wall = clock_reading(wall);
  if (wall >= KV_TS_MAX - 1 - KV_CLOCK_AHEAD) return KV_TS_MAX - 1;
  return wall + KV_CLOCK_AHEAD;
}

int64_t kv_clock_next(int64_t wall, int64_t latest) {
  assert(latest <= kv_clock_limit(wall));
  wall = clock_reading(wall);
  return latest >= wall ? latest + 1 : wall;
}

int64_t kv_clock_after(int64_t ts, int64_t winner) {
  if (winner >= KV_TS_MAX) return KV_TS_MAX + 1;
  return winner >= ts ? winner + 1 : ts;
}
