/*
** Included before everything else into kv_next: its clock, and how long no other
** acknowledgement is due after one, are what the replay sets. See clock.c.
*/
#ifndef KV_TESTS_CLOCK_H
#define KV_TESTS_CLOCK_H

#include <stdint.h>
#include <time.h>

extern int64_t kv_test_pause;
int kv_test_clock(clockid_t id, struct timespec *out);

#define KV_ACKNOWLEDGE_PAUSE kv_test_pause
#define clock_gettime kv_test_clock

#endif
