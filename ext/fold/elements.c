/*
** Sets. See elements.h.
**
** The lists are sorted. A heap of cursors merges them, which takes memory for the
** lists, not for their elements. The cursors that are at the same element are a
** group, in the order of rows:
**
**      put   put   cut   put   cut        from the end: what the cuts behind
**       a     b     c     a     b         had seen together is a horizon; a
**                        <----- * stop    put that is not in it keeps the
**                                         element
*/
#include "elements.h"

#include <assert.h>
#include <string.h>

typedef struct elements_cursor {
  const kv_elements *list;
  kv_list_at next;
  kv_scalar element;
} elements_cursor;

typedef struct elements_merge {
  kv_horizon *horizon;
  size_t n_heap;
  elements_cursor **heap;
  size_t n_group;
  elements_cursor **group;
} elements_merge;

/* Is a before b: by element, then by time? */
static int elements_is_before(const elements_cursor *a,
                              const elements_cursor *b) {
  int c = kv_json_compare(&a->element, &b->element);

  return c < 0 || (c == 0 && a->list->at < b->list->at);
}

static void elements_sink(elements_merge *m, size_t i) {
  elements_cursor *c = m->heap[i];
  size_t child;

  while ((child = 2 * i + 1) < m->n_heap) {
    if (child + 1 < m->n_heap &&
        elements_is_before(m->heap[child + 1], m->heap[child])) {
      child++;
    }
    if (!elements_is_before(m->heap[child], c)) break;
    m->heap[i] = m->heap[child];
    i = child;
  }
  m->heap[i] = c;
}

/* Take the first cursor off the heap. */
static elements_cursor *elements_take(elements_merge *m) {
  elements_cursor *c = m->heap[0];

  m->heap[0] = m->heap[--m->n_heap];
  if (m->n_heap > 0) elements_sink(m, 0);
  return c;
}

/* Put a cursor that has moved on back, unless it is at its end. */
static void elements_give(elements_merge *m, elements_cursor *c) {
  size_t i;

  if (!kv_list_next(&c->next, &c->element)) return;
  for (i = m->n_heap++; i > 0; i = (i - 1) / 2) {
    elements_cursor *above = m->heap[(i - 1) / 2];

    if (!elements_is_before(c, above)) break;
    m->heap[i] = above;
  }
  m->heap[i] = c;
}

/* Is the element of the group in the set? */
static int elements_is_in(elements_merge *m, int *out) {
  size_t n_cuts = 0;
  size_t i;
  int rc = KV_OK;

  for (i = 0; i < m->n_group; i++)
    n_cuts += (size_t)m->group[i]->list->is_cut;
  *out = !m->group[m->n_group - 1]->list->is_cut;
  if (*out || n_cuts == m->n_group || !m->horizon) return KV_OK;
  kv_horizon_clear(m->horizon);
  for (i = 0; i < m->n_group; i++)
    if (!m->group[i]->list->is_cut) {
      kv_horizon_mark(m->horizon, m->group[i]->list->row);
    }
  for (i = m->n_group; i > 0 && rc == KV_OK && !*out; i--) {
    const kv_elements *list = m->group[i - 1]->list;

    if (list->is_cut) {
      rc = kv_horizon_add(m->horizon, list->row);
    } else {
      *out = !kv_horizon_has(m->horizon, list->row);
    }
  }
  return rc;
}

/* Bytes of the result at most: of all that is put. */
static size_t elements_room(const kv_elements *lists, size_t n) {
  size_t room = 2;
  size_t i;

  for (i = 0; i < n; i++)
    if (!lists[i].is_cut) room += lists[i].list.n;
  return room;
}

static int elements_begin(elements_merge *m, const kv_elements *lists, size_t n,
                          kv_arena *arena) {
  elements_cursor *cursors = kv_arena_get(arena, n * sizeof(*cursors));
  size_t i;

  m->heap = kv_arena_get(arena, n * sizeof(*m->heap));
  m->group = kv_arena_get(arena, n * sizeof(*m->group));
  if (!cursors || !m->heap || !m->group) return KV_NOMEM;
  for (i = 0; i < n; i++) {
    cursors[i].list = &lists[i];
    cursors[i].next = kv_list_first(lists[i].list);
    elements_give(m, &cursors[i]);
  }
  return KV_OK;
}

int kv_elements_merge(const kv_elements *lists, size_t n, kv_horizon *horizon,
                      kv_arena *arena, kv_list *out) {
  elements_merge m;
  size_t room = elements_room(lists, n);
  char *z;
  size_t at = 1;
  size_t i;
  int rc;

  if (n == 1 && !lists[0].is_cut) {
    *out = lists[0].list;
    return KV_OK;
  }
  memset(&m, 0, sizeof(m));
  m.horizon = horizon;
  rc = elements_begin(&m, lists, n, arena);
  z = rc == KV_OK ? kv_arena_get(arena, room) : NULL;
  if (!z) return KV_NOMEM;
  while (m.n_heap > 0 && rc == KV_OK) {
    const kv_scalar *element = &m.heap[0]->element;
    int is_in;

    m.n_group = 0;
    do
      m.group[m.n_group++] = elements_take(&m);
    while (m.n_heap > 0 && kv_json_compare(&m.heap[0]->element, element) == 0);
    rc = elements_is_in(&m, &is_in);
    if (rc == KV_OK && is_in) {
      memcpy(z + at, element->z, element->n);
      at += element->n;
      z[at++] = ',';
    }
    for (i = 0; i < m.n_group; i++)
      elements_give(&m, m.group[i]);
  }
  z[0] = '[';
  if (at == 1) at++; /* there is no comma that the bracket could take over */
  z[at - 1] = ']';
  assert(at <= room);
  out->z = z;
  out->n = at;
  return rc;
}
