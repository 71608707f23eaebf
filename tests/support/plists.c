/*
** Binary property lists for tests. See plists.h.
*/
#include "plists.h"

#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static unsigned char *put_be(unsigned char *z, uint64_t u, int n) {
  while (n--)
    *z++ = (unsigned char)(u >> 8 * n);
  return z;
}

unsigned char *test_plist(const test_object *objects, int n, int ref_size,
                          size_t *n_out) {
  size_t size = 8;
  size_t at = 8;
  unsigned char *z;
  unsigned char *end;
  int i;

  for (i = 0; i < n; i++)
    size += objects[i].n;
  z = sqlite3_malloc64(size + 4 * (size_t)n + 32);
  if (!z) abort();
  memcpy(z, "bplist00", 8);
  end = z + size;
  for (i = 0; i < n; i++) {
    memcpy(z + at, objects[i].z, objects[i].n);
    end = put_be(end, at, 4);
    at += objects[i].n;
  }
  memset(end, 0, 6);
  end[6] = 4;
  end[7] = (unsigned char)ref_size;
  end = put_be(put_be(put_be(end + 8, (uint64_t)n, 8), 0, 8), size, 8);
  *n_out = (size_t)(end - z);
  return z;
}

unsigned char *test_plist_of(const char *z, size_t n, size_t *n_out) {
  test_object object;

  object.z = z;
  object.n = n;
  return test_plist(&object, 1, 1, n_out);
}
