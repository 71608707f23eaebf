/*
** The JSON of records. See json.h.
**
** Most of it is text. So eight bytes at a time are checked together, as long as
** they hold no quote, backslash, control character or byte above 127.
*/
#include "json.h"

#include <string.h>

#include "core/order.h"
#include "real.h"

/* A UTF-8 sequence that has begun: what the next byte may be. */
typedef struct json_utf8 {
  unsigned char left; /* bytes to come */
  unsigned char low;
  unsigned char high;
} json_utf8;

/* One byte; returns 0 if it is not UTF-8. No surrogates, nothing overlong. */
static int utf8_byte(json_utf8 *u, unsigned char c) {
  if (u->left) {
    if (c < u->low || c > u->high) return 0;
    u->left--;
    u->low = 0x80;
    u->high = 0xbf;
    return 1;
  }
  if (c < 0x80) return 1;
  if (c < 0xc2 || c > 0xf4) return 0;
  u->left = (unsigned char)(1 + (c >= 0xe0) + (c >= 0xf0));
  u->low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
  u->high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
  return 1;
}

#define JSON_ONES (UINT64_MAX / 255)

/* Is one of eight bytes below n, which is at most 128? It may say so too when
** one of them is 128 or more. */
static uint64_t json_has_less(uint64_t w, uint64_t n) {
  return (w - JSON_ONES * n) & ~w & (JSON_ONES * 128);
}

static uint64_t json_has(uint64_t w, uint64_t c) {
  return json_has_less(w ^ (JSON_ONES * c), 1);
}

/* Pass over what needs no second look. */
static const char *json_plain(const char *z, const char *end) {
  while (end - z >= 8) {
    uint64_t w;

    memcpy(&w, z, 8);
    if ((w & (JSON_ONES * 128)) | json_has_less(w, 0x20) | json_has(w, '"') |
        json_has(w, '\\')) {
      break;
    }
    z += 8;
  }
  return z;
}

static int json_hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/* The length of the escape at z, a backslash, in a record's text; or 0. */
static size_t json_escape(const char *z, const char *end, char *out) {
  int high;
  int low;

  if (end - z < 2) return 0;
  *out = z[1];
  if (z[1] == '"' || z[1] == '\\') return 2;
  if (end - z < 6 || memcmp(z, "\\u00", 4) != 0) return 0;
  high = z[4] - '0';
  low = json_hex(z[5]);
  if (high < 0 || high > 1 || low < 0) return 0;
  *out = (char)(high * 16 + low);
  return 6;
}

const char *kv_json_text(const char *z, const char *end, kv_scalar *out) {
  json_utf8 utf8 = {0, 0, 0};
  const char *from = z;

  if (z == end || *z != '"') return NULL;
  memset(out, 0, sizeof(*out));
  for (z++; z < end; z++) {
    if (!utf8.left) z = json_plain(z, end);
    if (z == end) return NULL;
    if (*z == '"' && !utf8.left) break;
    if (*z == '\\') {
      char c;
      size_t n = utf8.left ? 0 : json_escape(z, end, &c);

      if (n == 0) return NULL;
      out->form = KV_FORM_ESCAPED;
      out->has_nul |= c == '\0';
      z += n - 1;
    } else if ((unsigned char)*z < 0x20 ||
               !utf8_byte(&utf8, (unsigned char)*z)) {
      return NULL;
    }
  }
  if (z == end) return NULL;
  out->value.type = KV_TEXT;
  out->value.z = from + 1;
  out->value.n = (size_t)(z - from - 1);
  out->z = from;
  out->n = (size_t)(z + 1 - from);
  return z + 1;
}

static int json_is_digit(const char *z, const char *end) {
  return z < end && *z >= '0' && *z <= '9';
}

/* Where the number at z ends; NULL if there is no number. */
static const char *json_number(const char *z, const char *end, int *is_real) {
  *is_real = 0;
  if (z < end && *z == '-') z++;
  if (!json_is_digit(z, end)) return NULL;
  if (*z == '0' && json_is_digit(z + 1, end)) return NULL;
  while (json_is_digit(z, end))
    z++;
  if (z < end && *z == '.') {
    *is_real = 1;
    if (!json_is_digit(++z, end)) return NULL;
    while (json_is_digit(z, end))
      z++;
  }
  if (z < end && (*z == 'e' || *z == 'E')) {
    *is_real = 1;
    z++;
    if (z < end && (*z == '+' || *z == '-')) z++;
    if (!json_is_digit(z, end)) return NULL;
    while (json_is_digit(z, end))
      z++;
  }
  return z;
}

static int json_integer(const char *z, size_t n, int64_t *out) {
  int is_negative = *z == '-';
  uint64_t most = (uint64_t)INT64_MAX + (uint64_t)is_negative;
  uint64_t v = 0;
  size_t i;

  if (n > 20 || (is_negative && z[1] == '0')) return 0;
  for (i = (size_t)is_negative; i < n; i++) {
    uint64_t digit = (uint64_t)(z[i] - '0');

    if (v > (most - digit) / 10) return 0;
    v = v * 10 + digit;
  }
  *out = is_negative ? -(int64_t)(v - 1) - 1 : (int64_t)v;
  return 1;
}

const char *kv_json_scalar(const char *z, const char *end, kv_scalar *out) {
  const char *to;
  int is_real;

  if (z < end && *z == '"') return kv_json_text(z, end, out);
  memset(out, 0, sizeof(*out));
  out->z = z;
  if (end - z >= 4 && memcmp(z, "null", 4) == 0) {
    to = z + 4;
  } else {
    to = json_number(z, end, &is_real);
    if (!to) return NULL;
    out->value.type = is_real ? KV_REAL : KV_INTEGER;
    if (is_real ? !kv_real_read(z, (size_t)(to - z), &out->value.r)
                : !json_integer(z, (size_t)(to - z), &out->value.i)) {
      return NULL;
    }
  }
  out->n = (size_t)(to - z);
  return to;
}

/* The length of the escape at z in any text; or 0. */
static size_t json_any_escape(const char *z, const char *end) {
  int i;

  if (end - z < 2) return 0;
  if (z[1] && strchr("\"\\/bfnrt", z[1])) return 2;
  if (z[1] != 'u' || end - z < 6) return 0;
  for (i = 2; i < 6; i++) {
    char c = z[i];

    if (c >= 'A' && c <= 'F') c = (char)(c - 'A' + 'a');
    if (json_hex(c) < 0) return 0;
  }
  return 6;
}

static const char *json_any_text(const char *z, const char *end) {
  json_utf8 utf8 = {0, 0, 0};

  for (z++; z < end; z++) {
    if (!utf8.left) z = json_plain(z, end);
    if (z == end) return NULL;
    if (*z == '"' && !utf8.left) return z + 1;
    if (*z == '\\') {
      size_t n = utf8.left ? 0 : json_any_escape(z, end);

      if (n == 0) return NULL;
      z += n - 1;
    } else if ((unsigned char)*z < 0x20 ||
               !utf8_byte(&utf8, (unsigned char)*z)) {
      return NULL;
    }
  }
  return NULL;
}

/* Pass over a text, number or word. */
static const char *json_skip_scalar(const char *z, const char *end) {
  static const char *const words[] = {"null", "true", "false"};
  int is_real;
  size_t i;

  if (*z == '"') return json_any_text(z, end);
  for (i = 0; i < 3; i++) {
    size_t n = strlen(words[i]);

    if ((size_t)(end - z) >= n && memcmp(z, words[i], n) == 0) return z + n;
  }
  return json_number(z, end, &is_real);
}

/* Pass over the name of a member and the colon behind it. */
static const char *json_skip_name(const char *z, const char *end) {
  if (z == end || *z != '"') return NULL;
  z = json_any_text(z, end);
  return z && z < end && *z == ':' ? z + 1 : NULL;
}

const char *kv_json_skip(const char *z, const char *end) {
  char close[KV_JSON_DEPTH]; /* what ends each that is open */
  int depth = 0;

  for (;;) {
    /* A value begins. */
    if (!z || z == end) return NULL;
    if (*z == '[' || *z == '{') {
      if (depth == KV_JSON_DEPTH) return NULL;
      close[depth++] = *z == '[' ? ']' : '}';
      z++;
      if (z == end) return NULL;
      if (*z != close[depth - 1]) {
        if (close[depth - 1] == '}') z = json_skip_name(z, end);
        continue;
      }
    } else {
      z = json_skip_scalar(z, end);
      if (!z) return NULL;
    }
    /* Behind it, or where an empty one closes. */
    while (depth > 0 && z < end && *z == close[depth - 1]) {
      z++;
      depth--;
    }
    if (depth == 0) return z;
    if (z == end || *z != ',') return NULL;
    z++;
    if (close[depth - 1] == '}') z = json_skip_name(z, end);
  }
}

/* The next byte of a text, for which *z is moved. */
static unsigned char json_byte(const char **z, const char *end) {
  char c = **z;

  if (c == '\\') {
    *z += json_escape(*z, end, &c);
  } else {
    (*z)++;
  }
  return (unsigned char)c;
}

static int json_compare_texts(const kv_value *a, const kv_value *b) {
  const char *x = a->z;
  const char *y = b->z;
  const char *x_end = x + a->n;
  const char *y_end = y + b->n;

  while (x < x_end && y < y_end) {
    int c = json_byte(&x, x_end);

    c -= json_byte(&y, y_end);
    if (c) return c;
  }
  return (x < x_end) - (y < y_end);
}

int kv_json_compare(const kv_scalar *a, const kv_scalar *b) {
  size_t n = a->n < b->n ? a->n : b->n;
  int c;

  if (a->form == KV_FORM_ESCAPED || b->form == KV_FORM_ESCAPED) {
    if (a->value.type == b->value.type) {
      return json_compare_texts(&a->value, &b->value);
    }
  }
  c = kv_order_keys(&a->value, &b->value);
  if (c == 0) c = memcmp(a->z, b->z, n);
  return c ? c : (a->n > b->n) - (a->n < b->n);
}

int kv_json_decode(const kv_value *value, int form, kv_arena *arena,
                   kv_value *out) {
  const char *z = value->z;
  const char *end;
  char *p;

  *out = *value;
  if (value->type < KV_TEXT || form == KV_FORM_PLAIN) return KV_OK;
  end = z + value->n;
  p = kv_arena_get(arena, form == KV_FORM_HEX ? value->n / 2 : value->n);
  if (!p) return KV_NOMEM;
  out->z = p;
  if (form == KV_FORM_HEX) {
    for (; z < end; z += 2)
      *p++ = (char)(json_hex(z[0]) * 16 + json_hex(z[1]));
  } else {
    while (z < end)
      *p++ = (char)json_byte(&z, end);
  }
  out->n = (size_t)(p - (const char *)out->z);
  return KV_OK;
}

int kv_json_is_hex(const char *z, size_t n, int *is_text) {
  json_utf8 utf8 = {0, 0, 0};
  size_t i;

  *is_text = 1;
  if (n % 2) return 0;
  for (i = 0; i < n; i += 2) {
    int high = json_hex(z[i]);
    int low = json_hex(z[i + 1]);
    unsigned char c = (unsigned char)(high * 16 + low);

    if (high < 0 || low < 0) return 0;
    if (*is_text) *is_text = c && utf8_byte(&utf8, c);
  }
  if (utf8.left) *is_text = 0;
  return 1;
}

int kv_json_is_utf8(const char *z, size_t n, int *has_nul) {
  json_utf8 utf8 = {0, 0, 0};
  const char *end;

  *has_nul = 0;
  if (n == 0) return 1;
  for (end = z + n; z < end; z++) {
    if (!utf8.left) z = json_plain(z, end);
    if (z == end) break;
    if (*z == '\0') *has_nul = 1;
    if (!utf8_byte(&utf8, (unsigned char)*z)) return 0;
  }
  return utf8.left == 0;
}

static void json_add_integer(kv_bytes *out, int64_t i) {
  uint64_t v = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
  char z[20];
  char *p = z + sizeof(z);

  do
    *--p = (char)('0' + v % 10);
  while ((v /= 10) > 0);
  if (i < 0) *--p = '-';
  kv_bytes_add(out, p, (size_t)(z + sizeof(z) - p));
}

void kv_json_add_hex(kv_bytes *out, const void *z, size_t n) {
  static const char digits[] = "0123456789abcdef";
  const unsigned char *bytes = z;
  char piece[128];
  size_t i;
  size_t at = 0;

  for (i = 0; i < n; i++) {
    piece[at++] = digits[bytes[i] >> 4];
    piece[at++] = digits[bytes[i] & 15];
    if (at == sizeof(piece)) {
      kv_bytes_add(out, piece, at);
      at = 0;
    }
  }
  kv_bytes_add(out, piece, at);
}

void kv_json_add_text(kv_bytes *out, const char *z, size_t n) {
  const char *end;
  const char *from;

  if (n == 0) z = "";
  end = z + n;
  from = z;
  kv_bytes_add(out, "\"", 1);
  for (; z < end; z++) {
    char escape[7] = "\\u00";
    size_t n_escape = 6;
    unsigned char c;

    z = json_plain(z, end);
    if (z == end) break;
    c = (unsigned char)*z;
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    escape[4] = (char)('0' + (c >> 4));
    escape[5] = "0123456789abcdef"[c & 15];
    if (c >= 0x20) {
      escape[1] = (char)c;
      n_escape = 2;
    }
    kv_bytes_add(out, from, (size_t)(z - from));
    kv_bytes_add(out, escape, n_escape);
    from = z + 1;
  }
  kv_bytes_add(out, from, (size_t)(z - from));
  kv_bytes_add(out, "\"", 1);
}

void kv_json_add(kv_bytes *out, const kv_value *value) {
  char text[KV_REAL_SIZE];

  if (value->type == KV_INTEGER) {
    json_add_integer(out, value->i);
  } else if (value->type == KV_REAL && value->r == value->r) {
    kv_bytes_add(out, text, kv_real_print(value->r, text));
  } else if (value->type == KV_TEXT) {
    kv_json_add_text(out, value->z, value->n);
  } else {
    kv_bytes_add(out, "null", 4);
  }
}
