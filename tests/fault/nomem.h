/*
** SQLite's allocator, of which one call can be made to fail.
*/
#ifndef TEST_NOMEM_H
#define TEST_NOMEM_H

#include <stdint.h>

/* A cmocka group setup: before anything else of SQLite is called. */
int nomem_install(void **state);

/* Let the n-th allocation from here on fail. */
void nomem_fail(int64_t n);

/* No more failures; was there one? */
int nomem_end(void);

/* Is this result code one of memory? */
int nomem_is(int rc);

/* How many allocations are stepped over: KV_NOMEM_STEP, or this. */
int nomem_step(int otherwise);

#endif
