/*
** Sorting pointers. See sort.h.
**
** Merging from the bottom up: pairs, then fours, and so on. qsort() has no
** context, is not stable, and may allocate.
*/
#include "sort.h"

#include <string.h>

static int sort_is_turned(void **p, size_t n, kv_sort_compare compare,
                          const void *context) {
  size_t i;

  for (i = 1; i < n; i++)
    if (compare(context, p[i - 1], p[i]) <= 0) return 0;
  return 1;
}

static void sort_turn(void **p, size_t n) {
  size_t i;

  for (i = 0; i < n / 2; i++) {
    void *q = p[i];

    p[i] = p[n - 1 - i];
    p[n - 1 - i] = q;
  }
}

/* Merge p[0..half) and p[half..n), unless they are in order. */
static void sort_merge(void **p, size_t half, size_t n, void **room,
                       kv_sort_compare compare, const void *context) {
  size_t a = 0;
  size_t b = half;
  size_t at = 0;

  if (compare(context, p[half - 1], p[half]) <= 0) return;
  memcpy(room, p, half * sizeof(*p));
  while (a < half && b < n)
    p[at++] = compare(context, room[a], p[b]) <= 0 ? room[a++] : p[b++];
  memcpy(p + at, room + a, (half - a) * sizeof(*p));
}

void kv_sort(void **p, size_t n, void **room, kv_sort_compare compare,
             const void *context) {
  size_t width;
  size_t i;

  if (n > 1 && compare(context, p[0], p[1]) > 0 &&
      sort_is_turned(p, n, compare, context)) {
    sort_turn(p, n);
    return;
  }
  for (width = 1; width < n; width *= 2)
    for (i = 0; n - i > width; i += 2 * width) {
      size_t both = n - i < 2 * width ? n - i : 2 * width;

      sort_merge(p + i, width, both, room, compare, context);
      if (n - i <= 2 * width) break;
    }
}
