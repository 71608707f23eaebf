/*
** A property list as an SQL value. See plist.h.
**
** A list is a graph: objects may be shared, and a hostile one refers to itself
** or unfolds to more than any disk holds. No honest writer shares arrays and
** dictionaries, and a reference takes at least a byte. So if a walk meets more
** objects than the list has bytes, it is not a list. Honest writers do share
** texts and data: these have another budget, and when that is spent the value
** is the list itself.
*/
#include "plist.h"

#include <stdlib.h>
#include <string.h>

#include "bplist.h"
#include "core/names.h"
#include "db/error.h"
#include "record/real.h"

#define PLIST_DEPTH 200

/* Bytes of texts and data that a list may unfold to, how often it may do. */
#define PLIST_BYTES ((int64_t)1 << 20)
#define PLIST_TIMES 64

/* And where a list is large: no value of a store is larger. */
#define PLIST_LARGE ((int64_t)KV_VALUE_MAX)
#define PLIST_LARGE_TIMES 4

/* How a walk can also end. */
#define PLIST_DAMAGED SQLITE_CORRUPT
#define PLIST_TOO_MUCH SQLITE_TOOBIG

typedef struct plist_walk {
  kv_bplist list;
  sqlite3_str *json;
  uint64_t visits; /* that are left */
  int64_t bytes;   /* that are left */
  int64_t most;    /* bytes of the JSON */
  int depth;
  int is_odd; /* SQL does not have it */
} plist_walk;

/* A text as UTF-8, borrowed or its own. */
typedef struct plist_text {
  const char *z;
  size_t n;
  char *own;
} plist_text;

/* The key of a dictionary's entry. */
typedef struct plist_key {
  plist_text text;
  uint64_t at; /* which entry */
  plist_walk *walk;
} plist_key;

static int plist_pay(plist_walk *walk, uint64_t n) {
  walk->bytes -= (int64_t)n;
  return walk->bytes < 0 ? PLIST_TOO_MUCH : SQLITE_OK;
}

static int plist_get(plist_walk *walk, uint64_t number,
                     kv_bplist_object *object) {
  if (walk->visits == 0) return PLIST_DAMAGED;
  walk->visits--;
  if (!kv_bplist_get(&walk->list, number, object)) return PLIST_DAMAGED;
  return SQLITE_OK;
}

/* One character as UTF-8; returns the place behind it. */
static char *plist_put_utf8(char *z, uint32_t c) {
  if (c < 0x80) {
    *z++ = (char)c;
  } else if (c < 0x800) {
    *z++ = (char)(0xc0 | c >> 6);
    *z++ = (char)(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    *z++ = (char)(0xe0 | c >> 12);
    *z++ = (char)(0x80 | (c >> 6 & 0x3f));
    *z++ = (char)(0x80 | (c & 0x3f));
  } else {
    *z++ = (char)(0xf0 | c >> 18);
    *z++ = (char)(0x80 | (c >> 12 & 0x3f));
    *z++ = (char)(0x80 | (c >> 6 & 0x3f));
    *z++ = (char)(0x80 | (c & 0x3f));
  }
  return z;
}

/* UTF-16 as UTF-8. Half a surrogate pair is odd. */
static int plist_utf16(plist_walk *walk, const kv_bplist_object *object,
                       plist_text *out) {
  const unsigned char *z = object->z;
  const unsigned char *end = z + 2 * object->n;
  char *at = sqlite3_malloc64(3 * object->n + 1);

  out->z = out->own = at;
  if (!at) return SQLITE_NOMEM;
  while (z < end) {
    uint32_t c = (uint32_t)(z[0] << 8 | z[1]);

    z += 2;
    if (c >= 0xd800 && c < 0xe000) {
      uint32_t low = z < end ? (uint32_t)(z[0] << 8 | z[1]) : 0;

      if (c < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        z += 2;
      } else {
        walk->is_odd = 1;
      }
    }
    at = plist_put_utf8(at, c);
  }
  out->n = (size_t)(at - out->z);
  return SQLITE_OK;
}

static int plist_text_of(plist_walk *walk, const kv_bplist_object *object,
                         plist_text *out) {
  unsigned char all = 0;
  uint64_t i;
  int rc = plist_pay(walk, object->n);

  memset(out, 0, sizeof(*out));
  if (rc != SQLITE_OK) return rc;
  if (object->kind == KV_BPLIST_UTF16) return plist_utf16(walk, object, out);
  if (object->kind != KV_BPLIST_ASCII) return PLIST_DAMAGED;
  for (i = 0; i < object->n; i++)
    all |= object->z[i];
  out->z = (const char *)object->z;
  out->n = (size_t)object->n;
  return all < 128 ? SQLITE_OK : PLIST_DAMAGED;
}

/* Without floor(), which an unoptimized build would link libm for. */
int kv_plist_time(double seconds, int64_t *out) {
  double us = seconds * 1e6 + 0.5;
  int64_t i;

  if (!(us > -9.2e18 && us < 9.2e18)) return 0; /* NaN is not */
  i = (int64_t)us;
  if (us < (double)i) i--;
  if (i > INT64_MAX - (int64_t)KV_PLIST_EPOCH * 1000000) return 0;
  *out = i + (int64_t)KV_PLIST_EPOCH * 1000000;
  return 1;
}

/* Seconds since 2001 as text; odd if there is no such year. */
static void plist_date(plist_walk *walk, double seconds,
                       char out[KV_TIME_WIDE_SIZE]) {
  int64_t ts;

  out[0] = 0;
  if (kv_plist_time(seconds, &ts)) {
    kv_time_format_wide(ts, ts % 1000 == 0 ? 3 : 6, out);
  }
  if (!out[0]) walk->is_odd = 1;
}

static void plist_real(plist_walk *walk, double r) {
  char text[KV_REAL_SIZE];

  if (r != r) {
    walk->is_odd = 1;
  } else {
    sqlite3_str_append(walk->json, text, (int)kv_real_print(r, text));
  }
}

static void plist_hex(sqlite3_str *json, const unsigned char *z, uint64_t n) {
  static const char digits[] = "0123456789ABCDEF";
  char few[512];
  size_t at = 0;

  while (n--) {
    few[at++] = digits[*z >> 4];
    few[at++] = digits[*z++ & 15];
    if (at == sizeof(few) || n == 0) {
      sqlite3_str_append(json, few, (int)at);
      at = 0;
    }
  }
}

/*
** Append a character that JSON escapes. The budget pays its additional bytes.
*/
static void plist_escape(plist_walk *walk, unsigned char c) {
  static const char controls[] = "btn.fr"; /* 8 to 13 */
  static const char digits[] = "0123456789abcdef";
  char text[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
  int n = 2;

  if (c >= 0x20) {
    text[1] = (char)c;
  } else if (c >= 8 && c <= 13 && c != 11) {
    text[1] = controls[c - 8];
  } else {
    n = 6;
  }
  sqlite3_str_append(walk->json, text, n);
  walk->bytes -= n - 1;
}

/* If the budget is spent, the text stays unfinished: the walk ends with that. */
static void plist_quote(plist_walk *walk, const plist_text *text) {
  sqlite3_str *json = walk->json;
  size_t from = 0;
  size_t i;

  sqlite3_str_appendchar(json, 1, '"');
  for (i = 0; i < text->n && walk->bytes >= 0; i++) {
    unsigned char c = (unsigned char)text->z[i];

    if (c >= 0x20 && c != '"' && c != '\\') continue;
    sqlite3_str_append(json, text->z + from, (int)(i - from));
    from = i + 1;
    plist_escape(walk, c);
  }
  sqlite3_str_append(json, text->z + from, (int)(i - from));
  sqlite3_str_appendchar(json, 1, '"');
}

static int plist_json(plist_walk *walk, uint64_t number);

static int plist_array(plist_walk *walk, const kv_bplist_object *array) {
  uint64_t i;
  int rc = SQLITE_OK;

  sqlite3_str_appendchar(walk->json, 1, '[');
  for (i = 0; i < array->n && rc == SQLITE_OK; i++) {
    if (i > 0) sqlite3_str_appendchar(walk->json, 1, ',');
    rc = plist_json(walk, kv_bplist_ref(&walk->list, array, i));
  }
  sqlite3_str_appendchar(walk->json, 1, ']');
  return rc;
}

/* By bytes. Keys that begin alike are paid for, as there may be many. */
static int plist_compare_text(plist_walk *walk, const plist_text *a,
                              const plist_text *b) {
  size_t n = a->n < b->n ? a->n : b->n;
  int c = 0;

  if (a->z != b->z && n > 0) {
    if (n > 16) walk->bytes -= (int64_t)n;
    if (walk->bytes < 0) return 0; /* the walk ends with that */
    c = memcmp(a->z, b->z, n);
  }
  return c ? c : (a->n > b->n) - (a->n < b->n);
}

static int plist_compare(const void *a, const void *b) {
  const plist_key *x = a;
  const plist_key *y = b;
  int c = plist_compare_text(x->walk, &x->text, &y->text);

  return c ? c : (x->at > y->at) - (x->at < y->at);
}

static int plist_keys(plist_walk *walk, const kv_bplist_object *dictionary,
                      plist_key *keys) {
  kv_bplist_object object;
  uint64_t i;
  int rc = SQLITE_OK;

  for (i = 0; i < dictionary->n && rc == SQLITE_OK; i++) {
    keys[i].at = i;
    keys[i].walk = walk;
    rc = plist_get(walk, kv_bplist_ref(&walk->list, dictionary, i), &object);
    if (rc == SQLITE_OK) rc = plist_text_of(walk, &object, &keys[i].text);
  }
  if (rc == SQLITE_OK) {
    qsort(keys, (size_t)dictionary->n, sizeof(*keys), plist_compare);
    rc = plist_pay(walk, 0);
  }
  return rc;
}

/* Its entries, sorted; of equal keys the last one. */
static int plist_dictionary(plist_walk *walk,
                            const kv_bplist_object *dictionary) {
  uint64_t n = dictionary->n;
  plist_key *keys = kv_zalloc(n * sizeof(*keys) + 1);
  int is_first = 1;
  uint64_t i;
  int rc = keys ? plist_keys(walk, dictionary, keys) : SQLITE_NOMEM;

  sqlite3_str_appendchar(walk->json, 1, '{');
  for (i = 0; i < n && rc == SQLITE_OK; i++) {
    if (i + 1 < n &&
        plist_compare_text(walk, &keys[i].text, &keys[i + 1].text) == 0) {
      continue;
    }
    if (!is_first) sqlite3_str_appendchar(walk->json, 1, ',');
    is_first = 0;
    plist_quote(walk, &keys[i].text);
    sqlite3_str_appendchar(walk->json, 1, ':');
    rc =
      plist_json(walk, kv_bplist_ref(&walk->list, dictionary, n + keys[i].at));
  }
  sqlite3_str_appendchar(walk->json, 1, '}');
  for (i = 0; keys && i < n; i++)
    sqlite3_free(keys[i].text.own);
  sqlite3_free(keys);
  return rc;
}

/* Append an object, and what is in it, to the JSON. */
static int plist_append(plist_walk *walk, const kv_bplist_object *object) {
  char date[KV_TIME_WIDE_SIZE];
  plist_text text;
  int rc;

  switch (object->kind) {
    case KV_BPLIST_BOOLEAN:
      sqlite3_str_appendall(walk->json, object->i ? "true" : "false");
      return SQLITE_OK;
    case KV_BPLIST_INTEGER:
      sqlite3_str_appendf(walk->json, "%lld", object->i);
      return SQLITE_OK;
    case KV_BPLIST_UNSIGNED:
      sqlite3_str_appendf(walk->json, "%llu", object->i);
      return SQLITE_OK;
    case KV_BPLIST_REAL: plist_real(walk, object->r); return SQLITE_OK;
    case KV_BPLIST_DATE:
      plist_date(walk, object->r, date);
      sqlite3_str_appendf(walk->json, "\"%s\"", date);
      return SQLITE_OK;
    case KV_BPLIST_DATA:
      rc = plist_pay(walk, object->n);
      if (rc != SQLITE_OK) return rc;
      sqlite3_str_appendall(walk->json, "{\"blob\":\"");
      plist_hex(walk->json, object->z, object->n);
      sqlite3_str_appendall(walk->json, "\"}");
      return SQLITE_OK;
    case KV_BPLIST_ASCII:
    case KV_BPLIST_UTF16:
      rc = plist_text_of(walk, object, &text);
      if (rc == SQLITE_OK) plist_quote(walk, &text);
      sqlite3_free(text.own);
      return rc;
    case KV_BPLIST_ARRAY: return plist_array(walk, object);
    case KV_BPLIST_DICTIONARY: return plist_dictionary(walk, object);
    default: walk->is_odd = 1; return SQLITE_OK;
  }
}

static int plist_json(plist_walk *walk, uint64_t number) {
  kv_bplist_object object;
  int rc = plist_get(walk, number, &object);

  if (rc == SQLITE_OK && ++walk->depth > PLIST_DEPTH) rc = PLIST_DAMAGED;
  if (rc == SQLITE_OK) rc = plist_append(walk, &object);
  if (rc == SQLITE_OK) rc = plist_pay(walk, 0);
  if (rc == SQLITE_OK) rc = sqlite3_str_errcode(walk->json);
  if (rc == SQLITE_OK && sqlite3_str_length(walk->json) > walk->most) {
    rc = PLIST_TOO_MUCH;
  }
  walk->depth--;
  return rc;
}

static void plist_set_text(kv_plist *out, const char *z, size_t n) {
  out->value.type = KV_TEXT;
  out->value.z = z;
  out->value.n = n;
}

/* An array or dictionary: its JSON. */
static int plist_set_json(plist_walk *walk, const kv_bplist_object *object,
                          kv_plist *out) {
  int n;
  int rc;

  walk->json = sqlite3_str_new(NULL);
  walk->depth = 1;
  rc = plist_append(walk, object);
  if (rc == SQLITE_OK) rc = sqlite3_str_errcode(walk->json);
  n = sqlite3_str_length(walk->json);
  out->own = sqlite3_str_finish(walk->json);
  if (rc == SQLITE_OK) plist_set_text(out, out->own, (size_t)n);
  return rc;
}

static int plist_set(plist_walk *walk, const kv_bplist_object *object,
                     kv_plist *out) {
  plist_text text;
  int rc;

  switch (object->kind) {
    case KV_BPLIST_BOOLEAN:
    case KV_BPLIST_INTEGER:
      out->type = object->kind == KV_BPLIST_BOOLEAN ? "boolean" : "integer";
      out->value.type = KV_INTEGER;
      out->value.i = object->i;
      return SQLITE_OK;
    case KV_BPLIST_REAL:
      out->type = "real";
      out->value.type = KV_REAL;
      out->value.r = object->r;
      walk->is_odd = object->r != object->r;
      return SQLITE_OK;
    case KV_BPLIST_DATE:
      out->type = "date";
      out->own = sqlite3_malloc(KV_TIME_WIDE_SIZE);
      if (!out->own) return SQLITE_NOMEM;
      plist_date(walk, object->r, out->own);
      plist_set_text(out, out->own, strlen(out->own));
      return SQLITE_OK;
    case KV_BPLIST_DATA:
      out->type = "data";
      out->value.type = KV_BLOB;
      out->value.z = object->z;
      out->value.n = (size_t)object->n;
      return SQLITE_OK;
    case KV_BPLIST_ASCII:
    case KV_BPLIST_UTF16:
      out->type = "string";
      rc = plist_text_of(walk, object, &text);
      out->own = text.own;
      if (rc == SQLITE_OK) plist_set_text(out, text.z, text.n);
      return rc;
    case KV_BPLIST_ARRAY: out->type = "array"; break;
    case KV_BPLIST_DICTIONARY: out->type = "dictionary"; break;
    default: walk->is_odd = 1; return SQLITE_OK;
  }
  return plist_set_json(walk, object, out);
}

int kv_plist_read(const void *z, size_t n, int64_t most, kv_plist *out) {
  kv_bplist_object object;
  plist_walk walk;
  int rc = PLIST_DAMAGED;

  memset(out, 0, sizeof(*out));
  memset(&walk, 0, sizeof(walk));
  walk.visits = n;
  walk.most = most;
  walk.bytes = PLIST_BYTES + PLIST_TIMES * (int64_t)n;
  if (walk.bytes > PLIST_LARGE + PLIST_LARGE_TIMES * (int64_t)n) {
    walk.bytes = PLIST_LARGE + PLIST_LARGE_TIMES * (int64_t)n;
  }
  if (kv_bplist_open(z, n, &walk.list)) {
    rc = plist_get(&walk, walk.list.top, &object);
  }
  if (rc == SQLITE_OK) rc = plist_set(&walk, &object, out);
  if (rc == SQLITE_OK && (int64_t)out->value.n > most) rc = PLIST_TOO_MUCH;
  if (rc == SQLITE_OK && !walk.is_odd) return SQLITE_OK;
  kv_plist_clear(out);
  if (rc == SQLITE_NOMEM) return rc;
  out->type = rc == PLIST_DAMAGED ? NULL : "plist";
  out->value.type = KV_BLOB;
  out->value.z = z;
  out->value.n = n;
  return SQLITE_OK;
}

void kv_plist_clear(kv_plist *plist) {
  sqlite3_free(plist->own);
  memset(plist, 0, sizeof(*plist));
}
