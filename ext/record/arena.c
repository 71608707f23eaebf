/*
** An arena and a growing buffer. See arena.h.
**
**   newest block            older blocks
**   +------+------+-----+   +------+-----------+
**   | head | used | free|-->| head | used      |--> NULL
**   +------+------+-----+   +------+-----------+
**                 ^ at
**
** Each block is twice as large as the one before, up to ARENA_MOST. A larger
** request gets a block of its own size.
*/
#include "arena.h"

#include <stdint.h>
#include <string.h>

#define ARENA_FIRST 4000     /* bytes of the first block */
#define ARENA_MOST (1 << 20) /* and of the largest that is made ahead */

struct kv_arena_block {
  kv_arena_block *next;
  size_t room; /* bytes behind the head */
};

/* What has the strictest alignment. (Not every compiler has max_align_t.) */
typedef union arena_any {
  int64_t i;
  double r;
  void *p;
} arena_any;

/* Where the bytes of a block begin. */
#define ARENA_ALIGN sizeof(arena_any)
#define ARENA_HEAD                                                             \
  ((sizeof(kv_arena_block) + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN)

void kv_arena_init(kv_arena *arena, kv_resize resize) {
  memset(arena, 0, sizeof(*arena));
  arena->resize = resize;
}

static int arena_grow(kv_arena *arena, size_t n) {
  size_t room = ARENA_FIRST;
  kv_arena_block *block;

  if (arena->blocks) room = arena->blocks->room * 2;
  if (room > ARENA_MOST) room = ARENA_MOST;
  if (room < n) room = n;
  if (room > SIZE_MAX - ARENA_HEAD) return KV_NOMEM;
  block = arena->resize(NULL, ARENA_HEAD + room);
  if (!block) return KV_NOMEM;
  block->next = arena->blocks;
  block->room = room;
  arena->blocks = block;
  arena->at = (char *)block + ARENA_HEAD;
  arena->room = room;
  return KV_OK;
}

void *kv_arena_get(kv_arena *arena, size_t n) {
  int is_there = n <= SIZE_MAX - ARENA_ALIGN;
  void *p;

  n = (n + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
  if (n == 0) n = ARENA_ALIGN;
  if (is_there && n > arena->room) is_there = arena_grow(arena, n) == KV_OK;
  if (!is_there) {
    if (arena->rc == KV_OK) arena->rc = KV_NOMEM;
    return NULL;
  }
  p = arena->at;
  arena->at += n;
  arena->room -= n;
  return p;
}

void *kv_arena_copy(kv_arena *arena, const void *z, size_t n) {
  void *p = kv_arena_get(arena, n);

  if (p && n > 0) memcpy(p, z, n);
  return p;
}

void kv_arena_clear(kv_arena *arena) {
  kv_arena_block *kept = arena->blocks;

  arena->rc = KV_OK;
  if (kept && kept->room > ARENA_MOST) {
    kv_arena_free(arena);
    return;
  }
  if (!kept) return;
  while (kept->next) {
    kv_arena_block *block = kept->next;

    kept->next = block->next;
    arena->resize(block, 0);
  }
  arena->at = (char *)kept + ARENA_HEAD;
  arena->room = kept->room;
}

void kv_arena_free(kv_arena *arena) {
  while (arena->blocks) {
    kv_arena_block *block = arena->blocks;

    arena->blocks = block->next;
    arena->resize(block, 0);
  }
  arena->at = NULL;
  arena->room = 0;
}

void kv_bytes_init(kv_bytes *bytes, kv_resize resize, size_t most) {
  memset(bytes, 0, sizeof(*bytes));
  bytes->resize = resize;
  bytes->most = most;
}

static void bytes_grow(kv_bytes *bytes, size_t n) {
  size_t room = bytes->room < 120 ? 120 : bytes->room;
  char *z;

  while (room < n)
    room = room > SIZE_MAX / 2 ? n : room * 2;
  z = bytes->resize(bytes->z, room);
  if (z) {
    bytes->z = z;
    bytes->room = room;
  } else {
    bytes->rc = KV_NOMEM;
  }
}

void kv_bytes_add(kv_bytes *bytes, const void *z, size_t n) {
  if (bytes->rc != KV_OK || n == 0) return;
  if (n > bytes->most - bytes->n) {
    bytes->rc = KV_TOOBIG;
    return;
  }
  if (bytes->resize) {
    if (n > bytes->room - bytes->n) bytes_grow(bytes, bytes->n + n);
    if (bytes->rc != KV_OK) return;
    memcpy(bytes->z + bytes->n, z, n);
  }
  bytes->n += n;
  bytes->last = ((const char *)z)[n - 1];
}

void kv_bytes_clear(kv_bytes *bytes) {
  bytes->n = 0;
  bytes->last = '\0';
  bytes->rc = KV_OK;
}

void kv_bytes_free(kv_bytes *bytes) {
  if (bytes->z) bytes->resize(bytes->z, 0);
  bytes->z = NULL;
  bytes->n = bytes->room = 0;
}
