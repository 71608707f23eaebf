/*
** The hybrid logical clock that stamps transactions.
**
** Wall clock readings are arguments: nothing here reads a clock. Times are
** microseconds since 1970-01-01 00:00:00 UTC.
**
** INVARIANT: a time more than KV_CLOCK_AHEAD in the future never moves this
** clock, so one wrong clock does not spread to the other devices.
**
** After Kulkarni et al., "Logical Physical Clocks and Consistent Snapshots
** in Globally Distributed Databases" (2014), with one number instead of a
** time and a counter: a microsecond is finer than any device writes.
*/
#ifndef KV_CORE_CLOCK_H
#define KV_CORE_CLOCK_H

#include <stdint.h>

/* Greatest valid time: 2^53, exact as a double; in the year 2255. */
#define KV_TS_MAX ((int64_t)1 << 53)

/* A day, in microseconds. */
#define KV_DAY ((int64_t)86400 * 1000 * 1000)

/* How far ahead of the wall clock a time may be and still count. */
#define KV_CLOCK_AHEAD ((int64_t)5 * 60 * 1000 * 1000)

/*
** The greatest time that counts at this wall clock reading: KV_CLOCK_AHEAD
** later, always less than KV_TS_MAX. A reading before 1970 is taken as 1970.
*/
int64_t kv_clock_limit(int64_t wall);

/*
** The time of a new transaction: after `latest`, the greatest own or seen
** time not above kv_clock_limit(wall), or negative if there is none. Never
** negative; may exceed KV_TS_MAX only if wall does.
*/
int64_t kv_clock_next(int64_t wall, int64_t latest);

/*
** The time of one row of a transaction stamped ts whose key's winner is
** stamped `winner` (negative: no winner): ts, or just after the winner. That
** is KV_TS_MAX + 1, not a valid time, if the winner is stamped KV_TS_MAX (or,
** in a damaged cache, later).
*/
int64_t kv_clock_after(int64_t ts, int64_t winner);

#endif
