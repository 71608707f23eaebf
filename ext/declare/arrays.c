/*
** Sets and lists as SQL writes them. See arrays.h.
*/
#include "arrays.h"

#include <stdlib.h>
#include <string.h>

#include "db/error.h"
#include "db/run.h"

typedef struct array_reader {
  sqlite3 *db;
  const char *z;
  const char *end;
  kv_arena *arena;
  int rc;
  int is_wrong;
} array_reader;

static void array_space(array_reader *r) {
  while (r->z < r->end && strchr(" \t\r\n", *r->z) && *r->z)
    r->z++;
}

static int array_take(array_reader *r, char c) {
  array_space(r);
  if (r->z == r->end || *r->z != c) return 0;
  r->z++;
  return 1;
}

static int array_word(array_reader *r, const char *word) {
  size_t n = strlen(word);

  if ((size_t)(r->end - r->z) < n || memcmp(r->z, word, n) != 0) return 0;
  r->z += n;
  return 1;
}

/* Four hex digits. */
static unsigned array_hex(array_reader *r) {
  unsigned out = 0;
  int i;

  for (i = 0; i < 4; i++, r->z++) {
    char c = r->z < r->end ? *r->z : 'x';
    unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                     : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                            : 16;
    if (digit > 15) {
      r->is_wrong = 1;
      return 0;
    }
    out = out * 16 + digit;
  }
  return out;
}

static char *array_put(char *out, unsigned c) {
  if (c < 0x80) {
    *out++ = (char)c;
  } else if (c < 0x800) {
    *out++ = (char)(0xc0 | c >> 6);
    *out++ = (char)(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    *out++ = (char)(0xe0 | c >> 12);
    *out++ = (char)(0x80 | (c >> 6 & 0x3f));
    *out++ = (char)(0x80 | (c & 0x3f));
  } else {
    *out++ = (char)(0xf0 | c >> 18);
    *out++ = (char)(0x80 | (c >> 12 & 0x3f));
    *out++ = (char)(0x80 | (c >> 6 & 0x3f));
    *out++ = (char)(0x80 | (c & 0x3f));
  }
  return out;
}

/* What stands behind \u: one half of a pair needs the other. */
static unsigned array_unicode(array_reader *r) {
  unsigned c = array_hex(r);

  if (c >= 0xd800 && c < 0xdc00 && array_word(r, "\\u")) {
    unsigned low = array_hex(r);
    if (low >= 0xdc00 && low < 0xe000) {
      return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
  }
  if (c >= 0xd800 && c < 0xe000) r->is_wrong = 1;
  return c;
}

static char *array_escape(array_reader *r, char *out) {
  static const char codes[] = "\"\\/bfnrt";
  static const char bytes[] = "\"\\/\b\f\n\r\t";
  char c = r->z < r->end ? *r->z++ : '\0';
  const char *at = c ? strchr(codes, c) : NULL;

  if (at) {
    *out++ = bytes[at - codes];
  } else if (c == 'u') {
    out = array_put(out, array_unicode(r));
  } else {
    r->is_wrong = 1;
  }
  return out;
}

/* A text; its bytes are in the arena. */
static void array_text(array_reader *r, kv_value *out) {
  char *bytes = kv_arena_get(r->arena, (size_t)(r->end - r->z) + 1);
  char *to = bytes;
  int has_nul;

  if (!bytes) {
    r->rc = KV_NOMEM;
    return;
  }
  while (r->z < r->end && *r->z != '"' && !r->is_wrong) {
    char c = *r->z++;

    if (c == '\\') {
      to = array_escape(r, to);
    } else {
      *to++ = c;
    }
  }
  out->type = KV_TEXT;
  out->z = bytes;
  out->n = (size_t)(to - bytes);
  if (!array_take(r, '"') || !kv_json_is_utf8(bytes, out->n, &has_nul)) {
    r->is_wrong = 1;
  }
}

/* A real in a form that records do not have: SQLite reads it. */
static void array_real(array_reader *r, const char *z, size_t n,
                       kv_value *out) {
  kv_value text = {KV_TEXT, 0, 0, z, n};
  kv_run run;

  kv_run_begin_on(&run, r->db, KV_SQL_ARRAYS_REAL);
  kv_run_value(&run, &text);
  if (kv_run_row(&run)) {
    out->type = KV_REAL;
    out->r = sqlite3_column_double(run.stmt, 0);
  }
  r->rc = kv_run_close(&run);
}

/* A number in any form. */
static void array_number(array_reader *r, kv_value *out) {
  kv_scalar scalar;
  const char *begin = r->z;
  size_t n;

  while (r->z < r->end && strchr("+-.0123456789eE", *r->z) && *r->z)
    r->z++;
  n = (size_t)(r->z - begin);
  if (kv_json_scalar(begin, r->z, &scalar) == r->z &&
      (scalar.value.type == KV_INTEGER || scalar.value.type == KV_REAL)) {
    *out = scalar.value;
  } else if (n > 0 && kv_json_skip(begin, r->z) == r->z) {
    array_real(r, begin, n, out);
  } else {
    r->is_wrong = 1;
  }
}

static void array_scalar(array_reader *r, kv_value *out) {
  memset(out, 0, sizeof(*out));
  array_space(r);
  if (array_take(r, '"')) {
    array_text(r, out);
  } else if (array_word(r, "null")) {
    out->type = KV_NULL;
  } else if (array_word(r, "true")) {
    out->type = KV_INTEGER;
    out->i = 1;
  } else if (array_word(r, "false")) {
    out->type = KV_INTEGER;
  } else {
    array_number(r, out);
  }
}

static int arrays_compare(const void *a, const void *b) {
  return kv_json_compare(a, b);
}

/* Write elements as an array into the arena. */
static int arrays_write(const kv_scalar *elements, size_t n, kv_arena *arena,
                        kv_list *out) {
  kv_bytes bytes;
  char *copy = NULL;
  size_t i;

  kv_bytes_init(&bytes, kv_realloc, KV_RECORD_MAX);
  kv_bytes_add(&bytes, "[", 1);
  for (i = 0; i < n; i++) {
    if (i > 0) kv_bytes_add(&bytes, ",", 1);
    kv_bytes_add(&bytes, elements[i].z, elements[i].n);
  }
  kv_bytes_add(&bytes, "]", 1);
  if (bytes.rc == KV_OK) copy = kv_arena_copy(arena, bytes.z, bytes.n);
  if (bytes.rc == KV_OK && !copy) bytes.rc = KV_NOMEM;
  out->z = copy;
  out->n = copy ? bytes.n : 0;
  kv_bytes_free(&bytes);
  return bytes.rc;
}

/* Sort, and take out what is there twice. */
static size_t arrays_sort(kv_scalar *elements, size_t n) {
  size_t n_out = 0;
  size_t i;

  if (n > 1) qsort(elements, n, sizeof(*elements), arrays_compare);
  for (i = 0; i < n; i++) {
    if (n_out > 0 && arrays_compare(&elements[n_out - 1], &elements[i]) == 0) {
      continue;
    }
    elements[n_out++] = elements[i];
  }
  return n_out;
}

/* All elements, as an array in the form of records. */
static int arrays_collect(array_reader *r, kv_list *out) {
  kv_bytes bytes;
  char *copy = NULL;
  int n = 0;

  kv_bytes_init(&bytes, kv_realloc, KV_RECORD_MAX);
  kv_bytes_add(&bytes, "[", 1);
  if (!array_take(r, '[')) r->is_wrong = 1;
  if (!r->is_wrong && !array_take(r, ']')) {
    do {
      kv_value value;

      array_scalar(r, &value);
      if (n++ > 0) kv_bytes_add(&bytes, ",", 1);
      if (r->rc == KV_OK && !r->is_wrong) kv_json_add(&bytes, &value);
    } while (r->rc == KV_OK && !r->is_wrong && array_take(r, ','));
    if (!array_take(r, ']')) r->is_wrong = 1;
  }
  array_space(r);
  if (r->z != r->end) r->is_wrong = 1;
  kv_bytes_add(&bytes, "]", 1);
  if (r->rc == KV_OK) r->rc = bytes.rc;
  if (r->rc == KV_OK && !r->is_wrong) {
    copy = kv_arena_copy(r->arena, bytes.z, bytes.n);
    if (!copy) r->rc = KV_NOMEM;
  }
  out->z = copy;
  out->n = copy ? bytes.n : 0;
  kv_bytes_free(&bytes);
  return r->rc;
}

/* The elements of a list, in the arena. */
static kv_scalar *arrays_elements(kv_list list, kv_arena *arena, size_t *n) {
  kv_list_at at = kv_list_first(list);
  size_t room = list.n / 2 + 1;
  kv_scalar *out = kv_arena_get(arena, room * sizeof(*out));

  *n = 0;
  while (out && *n < room && kv_list_next(&at, &out[*n]))
    ++*n;
  return out;
}

int kv_arrays_read(sqlite3 *db, const kv_value *value, int is_set,
                   kv_arena *arena, kv_list *out, int *is_valid) {
  const char *z = value->z;
  array_reader r = {db, z, z, arena, KV_OK, 0};
  kv_scalar *elements;
  size_t n_elements;

  out->z = NULL;
  out->n = 0;
  *is_valid = value->type == KV_TEXT && z;
  if (!*is_valid) return SQLITE_OK;
  r.end = z + value->n;
  arrays_collect(&r, out);
  *is_valid = !r.is_wrong;
  if (r.rc != KV_OK || r.is_wrong || !is_set) return r.rc;
  elements = arrays_elements(*out, arena, &n_elements);
  if (!elements) return KV_NOMEM;
  n_elements = arrays_sort(elements, n_elements);
  return arrays_write(elements, n_elements, arena, out);
}

int kv_arrays_less(kv_list a, kv_list b, kv_arena *arena, kv_list *out) {
  size_t n_a;
  size_t n_b;
  kv_scalar *x = arrays_elements(a, arena, &n_a);
  kv_scalar *y = arrays_elements(b, arena, &n_b);
  size_t n = 0;
  size_t i;
  size_t k = 0;

  out->z = NULL;
  out->n = 0;
  if (!x || !y) return KV_NOMEM;
  for (i = 0; i < n_a; i++) {
    while (k < n_b && kv_json_compare(&y[k], &x[i]) < 0)
      k++;
    if (k < n_b && kv_json_compare(&y[k], &x[i]) == 0) continue;
    x[n++] = x[i];
  }
  return n > 0 ? arrays_write(x, n, arena, out) : KV_OK;
}

int kv_arrays_tail(kv_list a, kv_list b, kv_arena *arena, kv_list *out,
                   int *rc) {
  size_t n = a.n > 0 ? a.n - 1 : 0; /* without its bracket */
  char *copy;

  out->z = NULL;
  out->n = 0;
  if (a.n <= 2 && b.n > 2) {
    *out = b;
    return 1;
  }
  if (b.n < a.n || memcmp(a.z, b.z, n) != 0) return 0;
  if (b.n == a.n) return 1;
  if (b.z[n] != ',') return 0;
  copy = kv_arena_copy(arena, b.z + n, b.n - n);
  if (!copy) *rc = KV_NOMEM;
  if (!copy) return 0;
  copy[0] = '[';
  out->z = copy;
  out->n = b.n - n;
  return 1;
}
