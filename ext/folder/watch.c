/*
** Waiting for changes in directories. See watch.h.
**
** A file that is written is told when its writer closes it, not at each write:
** a log is whole then.
*/
#ifdef _WIN32
#include "folder_windows.h"
#else
#define _GNU_SOURCE
#include <poll.h>
#endif
#include "watch.h"

#include <string.h>

#include "db/error.h"

#ifdef __linux__
#include <limits.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

struct kv_watch {
  const char *suffix;
  int fd; /* negative: the system has no more of them */
};

#define WATCH_EVENTS                                                           \
  (IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE |      \
   IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

kv_watch *kv_watch_open(const char *suffix) {
  kv_watch *watch = kv_zalloc(sizeof(*watch));

  if (!watch) return NULL;
  watch->suffix = suffix;
  watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  return watch;
}

void kv_watch_add(kv_watch *watch, const char *path) {
  if (watch->fd >= 0) {
    (void)inotify_add_watch(watch->fd, path, WATCH_EVENTS | IN_DONT_FOLLOW);
  }
}

/* True if an event counts. One without a name is of the directory itself. */
static int watch_counts(const kv_watch *watch,
                        const struct inotify_event *event) {
  size_t n_suffix = strlen(watch->suffix);
  size_t n = event->len ? strlen(event->name) : 0;

  if (event->mask & IN_ISDIR || n == 0) return 1;
  if (event->mask & IN_CREATE) return 0; /* until it is closed */
  return n >= n_suffix &&
         strcmp(event->name + n - n_suffix, watch->suffix) == 0;
}

/* Take what the system has told so far: does any of it count? */
static int watch_drain(kv_watch *watch) {
  union {
    struct inotify_event event; /* for its alignment */
    char bytes[4096];
  } buffer;
  int counts = 0;
  ssize_t n;

  while ((n = read(watch->fd, buffer.bytes, sizeof(buffer.bytes))) > 0) {
    const char *at = buffer.bytes;

    while (at < buffer.bytes + n) {
      const struct inotify_event *event = (const struct inotify_event *)at;

      counts |= watch_counts(watch, event);
      at += sizeof(*event) + event->len;
    }
  }
  return counts;
}

static int64_t watch_now(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int kv_watch_wait(kv_watch *watch, int milliseconds) {
  int64_t end = watch_now() + milliseconds;
  int64_t left = milliseconds;
  struct pollfd fd = {watch->fd, POLLIN, 0};

  do {
    if (poll(&fd, 1, (int)left) > 0 && watch_drain(watch)) return 1;
    left = end - watch_now();
  } while (left > 0);
  return 0;
}

void kv_watch_close(kv_watch *watch) {
  if (watch && watch->fd >= 0) close(watch->fd);
  sqlite3_free(watch);
}

#else /* Nothing is told. */

struct kv_watch {
  int unused;
};

kv_watch *kv_watch_open(const char *suffix) {
  (void)suffix;
  return kv_zalloc(sizeof(kv_watch));
}

void kv_watch_add(kv_watch *watch, const char *path) {
  (void)watch;
  (void)path;
}

int kv_watch_wait(kv_watch *watch, int milliseconds) {
  (void)watch;
#ifdef _WIN32
  Sleep((DWORD)milliseconds);
#else
  (void)poll(NULL, 0, milliseconds);
#endif
  return 0;
}

void kv_watch_close(kv_watch *watch) {
  sqlite3_free(watch);
}
#endif
