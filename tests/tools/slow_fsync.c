/*
** A disk whose fsync takes a millisecond, where the real one is faster:
**
**     cc -O2 -shared -fPIC -o slow_fsync.so tests/tools/slow_fsync.c -ldl
**     LD_PRELOAD=$PWD/slow_fsync.so build/kv_bench --only=burst
**
** Each fsync() and fdatasync() of the program takes SLOW_FSYNC microseconds
** longer, 1000 unless the environment says otherwise. With COUNT_FSYNC in the
** environment, the process says on standard error how many there were.
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long n_calls;

static void wait_longer(void) {
  static long us = -1;
  struct timespec t;

  if (us < 0) {
    const char *text = getenv("SLOW_FSYNC");
    us = text ? atol(text) : 1000;
  }
  n_calls++;
  t.tv_sec = us / 1000000;
  t.tv_nsec = us % 1000000 * 1000;
  nanosleep(&t, NULL);
}

static int call(const char *name, int fd) {
  int (*real)(int);

  *(void **)&real = dlsym(RTLD_NEXT, name);
  wait_longer();
  return real(fd);
}

int fsync(int fd) {
  return call("fsync", fd);
}

int fdatasync(int fd) {
  return call("fdatasync", fd);
}

__attribute__((destructor)) static void say(void) {
  if (getenv("COUNT_FSYNC")) fprintf(stderr, "%ld fsyncs\n", n_calls);
}
