/*
** The JSON of records: scalars, each of which can be written in one way only,
** and a function that skips any other JSON.
**
**   null
**   integer   -12       as SQLite prints it, in 64 bits
**   real      0.1       see real.h; 9e999 and -9e999 are the infinities
**   text      "a\"b"    UTF-8; " \ and 0x00-0x1f are \" \\ \u00XX with
**                       hex digits in lower case, nothing else is escaped
**
** There is no white space. Nothing here recurses, or reads at `end` or behind it.
**
** INVARIANT: two scalars are the same value if and only if their bytes are the
** same.
*/
#ifndef KV_RECORD_JSON_H
#define KV_RECORD_JSON_H

#include "arena.h"
#include "core/row.h"

/* How deep the JSON may be that kv_json_skip() passes over. */
#define KV_JSON_DEPTH 64

/* How the bytes of a text or blob are written down. */
enum {
  KV_FORM_PLAIN = 0,   /* as they are */
  KV_FORM_ESCAPED = 1, /* with \" \\ \u00XX */
  KV_FORM_HEX = 2      /* two hex digits in lower case a byte */
};

/* A scalar where it lies. */
typedef struct kv_scalar {
  const char *z; /* its JSON text, */
  size_t n;      /* its length */
  int form;      /* how value.z, value.n are written down */
  int has_nul;   /* a text with \u0000 */
  kv_value value;
} kv_scalar;

/*
** Read the scalar at z. Returns its end, or NULL if there is no scalar or it is
** not written as above.
*/
const char *kv_json_scalar(const char *z, const char *end, kv_scalar *out);

/* The same for a text. */
const char *kv_json_text(const char *z, const char *end, kv_scalar *out);

/*
** Skip the value at z, written in any way that RFC 8259 allows, but without
** white space. Returns its end, or NULL if there is no value, or one that is
** nested deeper than KV_JSON_DEPTH.
*/
const char *kv_json_skip(const char *z, const char *end);

/*
** Compare as sets are sorted: NULL, numbers by value, text by its bytes; equal
** numbers (1, 1.0) by their JSON. Returns 0 for the same value only.
*/
int kv_json_compare(const kv_scalar *a, const kv_scalar *b);

/*
** Get the bytes of a text or blob. In KV_FORM_PLAIN they are borrowed, else they
** are decoded into the arena. KV_NOMEM.
*/
int kv_json_decode(const kv_value *value, int form, kv_arena *arena,
                   kv_value *out);

/* Is this KV_FORM_HEX? *is_text: its bytes are UTF-8 without a NUL. */
int kv_json_is_hex(const char *z, size_t n, int *is_text);

/* Add a scalar: NULL, a number (NaN becomes null, as SQLite stores it), or a
** text that is UTF-8. */
void kv_json_add(kv_bytes *out, const kv_value *value);

/* Is it UTF-8? *has_nul: there is a NUL in it. */
int kv_json_is_utf8(const char *z, size_t n, int *has_nul);

/* Add the hex digits of bytes. */
void kv_json_add_hex(kv_bytes *out, const void *z, size_t n);

/* Add bytes that are UTF-8 as a text. */
void kv_json_add_text(kv_bytes *out, const char *z, size_t n);

#endif
