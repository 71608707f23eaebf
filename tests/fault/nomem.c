/*
** SQLite's allocator, with a call that can be made to fail. See nomem.h.
*/
#include "nomem.h"

#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

static sqlite3_mem_methods real;
static int64_t countdown; /* calls until the one that fails; 0: none fails */

static int is_failing(void) {
  return countdown > 0 && --countdown == 0;
}

static void *nomem_malloc(int n) {
  return is_failing() ? NULL : real.xMalloc(n);
}

static void *nomem_realloc(void *p, int n) {
  return is_failing() ? NULL : real.xRealloc(p, n);
}

int nomem_install(void **state) {
  sqlite3_mem_methods ours;

  (void)state;
  /*
  ** files in memory, if the system has that: the tests sync thousands of them
  */
  if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 1);
  if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real) != SQLITE_OK) return -1;
  ours = real;
  ours.xMalloc = nomem_malloc;
  ours.xRealloc = nomem_realloc;
  if (sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) != SQLITE_OK) return -1;
  /* no allocation without the allocator */
  sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
  return sqlite3_initialize();
}

void nomem_fail(int64_t n) {
  countdown = n;
}

int nomem_end(void) {
  int has_failed = countdown == 0;
  countdown = 0;
  return has_failed;
}

int nomem_is(int rc) {
  return (rc & 0xff) == SQLITE_NOMEM || rc == SQLITE_IOERR_NOMEM;
}

int nomem_step(int otherwise) {
  const char *given = getenv("KV_NOMEM_STEP");
  int step = given ? atoi(given) : otherwise;
  return step > 0 ? step : 1;
}
