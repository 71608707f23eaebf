/*
** SQLite's allocator, with a call that can be made to fail.
*/
#ifndef TEST_NOMEM_H
#define TEST_NOMEM_H

#include <stdint.h>

/* A cmocka group setup. It must run before any other call of SQLite. */
int nomem_install(void **state);

/* Let the n-th allocation from here on fail. */
void nomem_fail(int64_t n);

/* Stop failing; returns whether one has failed. */
int nomem_end(void);

/* Does this result code mean "out of memory"? */
int nomem_is(int rc);

/* Only every n-th allocation fails: KV_NOMEM_STEP, or this n. */
int nomem_step(int otherwise);

#endif
