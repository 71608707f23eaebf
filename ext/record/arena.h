/*
** An arena, whose memory is freed all at once, and a buffer that grows.
**
** This floor has no allocator; the caller passes one. A fold takes all its
** memory from one arena. So a fold that runs out of memory leaks nothing, and
** the next fold reuses the memory of the last one.
*/
#ifndef KV_RECORD_ARENA_H
#define KV_RECORD_ARENA_H

#include <stddef.h>

/* Return codes. They have the numbers of SQLite's codes, so that the floors
** above can pass them on. */
enum { KV_OK = 0, KV_NOMEM = 7, KV_TOOBIG = 18 };

/*
** Resize a piece of memory as sqlite3_realloc64() does: p is NULL for a new
** one, n is 0 to free it. Returns NULL if there is no memory, and p is
** unchanged.
*/
typedef void *(*kv_resize)(void *p, size_t n);

typedef struct kv_arena_block kv_arena_block;

typedef struct kv_arena {
  kv_resize resize;
  kv_arena_block *blocks; /* the newest first */
  char *at;               /* the free part of the newest block begins here */
  size_t room;            /* and has this many bytes */
  int rc;                 /* the first error since it was cleared */
} kv_arena;

void kv_arena_init(kv_arena *arena, kv_resize resize);

/*
** n bytes, aligned for any type; NULL if there is no memory. They are valid
** until kv_arena_clear(). n may be 0.
*/
void *kv_arena_get(kv_arena *arena, size_t n);

/* A copy of n bytes; NULL if there is no memory. */
void *kv_arena_copy(kv_arena *arena, const void *z, size_t n);

/*
** Take back everything that kv_arena_get() gave. One block is kept for the next
** time, unless it is larger than 1 MB.
*/
void kv_arena_clear(kv_arena *arena);

/* Free all of it. An arena of zeroes is fine. */
void kv_arena_free(kv_arena *arena);

/*
** A buffer that grows. If resize is NULL the bytes are only counted. After an
** error nothing more is added and rc keeps it, so the caller checks once.
*/
typedef struct kv_bytes {
  kv_resize resize;
  char *z;
  size_t n;
  char last; /* the last one; 0: none */
  size_t room;
  size_t most; /* KV_TOOBIG above that */
  int rc;
} kv_bytes;

void kv_bytes_init(kv_bytes *bytes, kv_resize resize, size_t most);
void kv_bytes_add(kv_bytes *bytes, const void *z, size_t n);

/* Make it empty and forget an error, but keep the memory. */
void kv_bytes_clear(kv_bytes *bytes);

/* Free them. Bytes of zeroes are fine. */
void kv_bytes_free(kv_bytes *bytes);

#endif
