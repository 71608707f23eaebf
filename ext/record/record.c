/*
** The record of a log row. See record.h.
**
** A cell is read as one of the forms; a cell that has none of them is skipped
** as JSON. So each byte is read at most twice.
*/
#include "record.h"

#include <assert.h>
#include <string.h>

/* The forms of a cell that are objects, as they begin. */
enum { FORM_BYTES, FORM_LIST, FORM_NUMBER };
static const struct record_form {
  int op;
  int kind;
  const char *word; /* what leads the value */
} record_forms[] = {
  {KV_CELL_SET, FORM_BYTES, "{\"blob\":"},
  {KV_CELL_SET, FORM_BYTES, "{\"text\":"},
  {KV_CELL_ELEMENTS, FORM_LIST, "{\"set\":"},
  {KV_CELL_ARRAY, FORM_LIST, "{\"array\":"},
  {KV_CELL_ADD, FORM_NUMBER, "{\"add\":"},
  {KV_CELL_MAX, FORM_NUMBER, "{\"max\":"},
  {KV_CELL_MIN, FORM_NUMBER, "{\"min\":"},
  {KV_CELL_PUT, FORM_LIST, "{\"put\":"},
  {KV_CELL_PUT, FORM_LIST, "{\"cut\":"},
  {KV_CELL_PUSH, FORM_LIST, "{\"push\":"},
};
#define RECORD_FORMS (sizeof(record_forms) / sizeof(*record_forms))

/* Blobs and texts in hex are the first two forms. */
#define record_is_text(form) ((form) == &record_forms[1])
#define record_is_cut(form) ((form) == &record_forms[8])

/* Skip a word; NULL if it is not there. */
static const char *record_word(const char *z, const char *end,
                               const char *word) {
  size_t n = strlen(word);

  return (size_t)(end - z) >= n && memcmp(z, word, n) == 0 ? z + n : NULL;
}

kv_list_at kv_list_first(kv_list list) {
  kv_list_at at = {list.z, list.z};

  if (list.n > 0) {
    at.z = list.z + 1;
    at.end = list.z + list.n;
  }
  return at;
}

int kv_list_next(kv_list_at *at, kv_scalar *out) {
  if (at->end - at->z < 2) return 0;
  at->z = kv_json_scalar(at->z, at->end, out);
  assert(at->z && at->z < at->end);
  at->z++; /* a comma, or the bracket */
  return 1;
}

/* Read a list; if is_set its elements ascend. */
static const char *record_list(const char *z, const char *end, int is_set,
                               kv_list *out) {
  const char *from = z;
  kv_scalar last;
  kv_scalar element;

  if (z == end || *z++ != '[') return NULL;
  if (z < end && *z == ']') {
    out->z = from;
    out->n = 2;
    return z + 1;
  }
  for (last.z = NULL;; last = element) {
    z = kv_json_scalar(z, end, &element);
    if (!z || z == end || (*z != ',' && *z != ']')) return NULL;
    if (is_set && last.z && kv_json_compare(&last, &element) >= 0) return NULL;
    if (*z++ == ']') break;
  }
  out->z = from;
  out->n = (size_t)(z - from);
  return z;
}

/* Do two sets have no element in common? */
static int record_are_apart(kv_list a, kv_list b) {
  kv_list_at x = kv_list_first(a);
  kv_list_at y = kv_list_first(b);
  kv_scalar in_a;
  kv_scalar in_b;
  int c = 0;
  int is_more = kv_list_next(&x, &in_a) && kv_list_next(&y, &in_b);

  while (is_more) {
    c = kv_json_compare(&in_a, &in_b);
    if (c == 0) return 0;
    is_more = c < 0 ? kv_list_next(&x, &in_a) : kv_list_next(&y, &in_b);
  }
  return 1;
}

/* Read the list or lists of a cell. */
static const char *record_lists(const char *z, const char *end, int is_cut,
                                kv_cell *cell) {
  int is_set = cell->op == KV_CELL_ELEMENTS || cell->op == KV_CELL_PUT;
  kv_list *list = is_cut ? &cell->cut : &cell->put;
  const char *cut;

  z = record_list(z, end, is_set, list);
  if (!z) return NULL;
  if (cell->op == KV_CELL_ELEMENTS || cell->op == KV_CELL_ARRAY) return z;
  if (list->n == 2) return NULL;
  cut =
    is_cut || cell->op != KV_CELL_PUT ? NULL : record_word(z, end, ",\"cut\":");
  if (!cut) return z;
  z = record_list(cut, end, 1, &cell->cut);
  if (!z || cell->cut.n == 2) return NULL;
  return record_are_apart(cell->put, cell->cut) ? z : NULL;
}

static const char *record_bytes(const char *z, const char *end, int is_text,
                                kv_cell *cell) {
  kv_scalar hex;
  int is_plain;

  z = kv_json_text(z, end, &hex);
  if (!z || !kv_json_is_hex(hex.value.z, hex.value.n, &is_plain)) return NULL;
  if (is_text && is_plain) return NULL;
  cell->value = hex.value;
  cell->value.type = is_text ? KV_TEXT : KV_BLOB;
  cell->form = KV_FORM_HEX;
  return z;
}

static const char *record_object(const char *z, const char *end,
                                 kv_cell *cell) {
  const struct record_form *form;
  kv_scalar scalar;
  const char *at = NULL;
  size_t i;

  for (i = 0; i < RECORD_FORMS && !at; i++)
    at = record_word(z, end, record_forms[i].word);
  if (!at) return NULL;
  form = &record_forms[i - 1];
  cell->op = form->op;
  if (form->kind == FORM_LIST) {
    z = record_lists(at, end, record_is_cut(form), cell);
  } else if (form->kind == FORM_BYTES) {
    z = record_bytes(at, end, record_is_text(form), cell);
  } else {
    z = kv_json_scalar(at, end, &scalar);
    cell->value = scalar.value;
    if (z && scalar.value.type != KV_INTEGER && scalar.value.type != KV_REAL) {
      return NULL;
    }
  }
  return z && z < end && *z == '}' ? z + 1 : NULL;
}

/* Read a cell, after its name; NULL if it has none of the forms. */
static const char *record_cell(const char *z, const char *end, kv_cell *cell) {
  kv_scalar scalar;

  if (z < end && *z == '{') return record_object(z, end, cell);
  z = kv_json_scalar(z, end, &scalar);
  cell->op = KV_CELL_SET;
  cell->form = scalar.form;
  cell->value = scalar.value;
  return scalar.has_nul ? NULL : z;
}

static int record_has_capital(const kv_cell *cell) {
  size_t i;

  for (i = 0; i < cell->n_name; i++)
    if (cell->name[i] >= 'A' && cell->name[i] <= 'Z') return 1;
  return 0;
}

/*
** The member at z, name and cell. *rc: KV_NOMEM. Returns where it ends, or NULL
** if the record is not one.
*/
static const char *record_member(const char *z, const char *end,
                                 kv_arena *arena, kv_cell *cell, int *rc) {
  kv_scalar name;
  kv_value decoded;
  const char *to;

  memset(cell, 0, sizeof(*cell));
  z = kv_json_text(z, end, &name);
  if (!z || z == end || *z++ != ':') return NULL;
  *rc = kv_json_decode(&name.value, name.form, arena, &decoded);
  if (*rc != KV_OK) return NULL;
  cell->name = decoded.z;
  cell->n_name = decoded.n;
  to = record_cell(z, end, cell);
  if (to && (to == end || (*to != ',' && *to != '}'))) to = NULL;
  if (to && !record_has_capital(cell)) return to;
  memset(cell, 0, sizeof(*cell));
  cell->name = decoded.z;
  cell->n_name = decoded.n;
  cell->op = KV_CELL_UNKNOWN;
  return kv_json_skip(z, end);
}

static int record_is_flag(const kv_cell *cell) {
  return cell->op == KV_CELL_SET && cell->value.type == KV_INTEGER &&
         cell->value.i == 1;
}

/* Room for one more cell. */
static int record_grow(kv_record *record, size_t *room, kv_arena *arena) {
  kv_cell *cells;

  if (record->n < *room) return KV_OK;
  *room = *room ? *room * 2 : 8;
  cells = kv_arena_get(arena, *room * sizeof(*cells));
  if (!cells) return KV_NOMEM;
  if (record->n > 0) {
    memcpy(cells, record->cells, record->n * sizeof(*cells));
  }
  record->cells = cells;
  return KV_OK;
}

/* All members; returns 0 if this is no record, or without memory. */
static int record_members(const char *z, const char *end, kv_arena *arena,
                          kv_record *out, int *rc) {
  kv_cell last;
  kv_cell cell;
  size_t room = 0;
  int is_first = 1;

  memset(&last, 0, sizeof(last));
  z = record_word(z, end, "{");
  if (!z) return 0;
  out->is_whole = 1;
  if (record_word(z, end, "}")) return end - z == 1;
  for (;; is_first = 0, last = cell) {
    z = record_member(z, end, arena, &cell, rc);
    if (!z || z == end || (*z != ',' && *z != '}')) return 0;
    if (!is_first && kv_cell_compare_names(last.name, last.n_name, cell.name,
                                           cell.n_name) >= 0) {
      return 0;
    }
    if (cell.n_name == 0 && record_is_flag(&cell)) {
      out->is_birth = 1;
    } else {
      if (cell.n_name == 0) cell.op = KV_CELL_UNKNOWN;
      if (cell.op == KV_CELL_UNKNOWN) out->is_whole = 0;
      if (out->n == KV_RECORD_CELLS) return 0;
      *rc = record_grow(out, &room, arena);
      if (*rc != KV_OK) return 0;
      out->cells[out->n++] = cell;
    }
    if (*z++ == '}') return z == end;
  }
}

int kv_record_read(const void *z, size_t n, kv_arena *arena, kv_record *out) {
  static const kv_record none = {0, 0, 0, NULL};
  const char *from = z;
  int rc = KV_OK;

  *out = none;
  if (n == 0 || n > KV_RECORD_MAX) return KV_OK;
  if (!record_members(from, from + n, arena, out, &rc)) *out = none;
  return rc;
}

const char *kv_cell_op_name(int op) {
  static const char *const names[] = {"set", "set", "set",  "add", "max",
                                      "min", "put", "push", ""};

  return names[op];
}

int kv_cell_is_assignment(const kv_cell *cell) {
  return cell->op <= KV_CELL_ARRAY;
}

static int record_is_same_bytes(const void *a, size_t n_a, const void *b,
                                size_t n_b) {
  return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a) == 0);
}

int kv_cell_is_same(const kv_cell *a, const kv_cell *b) {
  const kv_value *v = &a->value;
  const kv_value *w = &b->value;

  if (a->op != b->op || v->type != w->type || a->form != b->form) return 0;
  if (v->type == KV_INTEGER) return v->i == w->i;
  if (v->type == KV_REAL) return memcmp(&v->r, &w->r, sizeof(v->r)) == 0;
  return record_is_same_bytes(v->z, v->n, w->z, w->n) &&
         record_is_same_bytes(a->put.z, a->put.n, b->put.z, b->put.n);
}

int kv_cell_value(const kv_cell *cell, kv_arena *arena, kv_value *out) {
  static const kv_value nothing = {KV_NULL, 0, 0, NULL, 0};
  kv_list list = cell->put.n > 0 ? cell->put : cell->cut;

  if (list.n == 0) { /* of an unknown cell NULL */
    return kv_json_decode(&cell->value, cell->form, arena, out);
  }
  *out = nothing;
  out->type = KV_TEXT;
  out->z = list.z;
  out->n = list.n;
  return KV_OK;
}

int kv_cell_compare_names(const char *a, size_t n_a, const char *b,
                          size_t n_b) {
  size_t n = n_a < n_b ? n_a : n_b;
  int c = n > 0 ? memcmp(a, b, n) : 0;

  return c ? c : (n_a > n_b) - (n_a < n_b);
}

static void record_put(kv_bytes *out, const char *z) {
  kv_bytes_add(out, z, strlen(z));
}

void kv_record_begin(kv_bytes *out, int is_birth) {
  record_put(out, is_birth ? "{\"\":1" : "{");
}

void kv_record_end(kv_bytes *out) {
  record_put(out, "}");
}

/* An assigned value, as it is read or as it is made. */
static void record_add_value(kv_bytes *out, const kv_cell *cell) {
  const kv_value *v = &cell->value;
  int has_nul = 0;
  int is_plain = v->type == KV_TEXT && cell->form == KV_FORM_PLAIN &&
                 kv_json_is_utf8(v->z, v->n, &has_nul) && !has_nul;

  if (v->type < KV_TEXT || is_plain) {
    kv_json_add(out, v);
    return;
  }
  if (cell->form == KV_FORM_ESCAPED) {
    record_put(out, "\"");
    kv_bytes_add(out, v->z, v->n);
    record_put(out, "\"");
    return;
  }
  record_put(out, v->type == KV_BLOB ? "{\"blob\":\"" : "{\"text\":\"");
  if (cell->form == KV_FORM_HEX) {
    kv_bytes_add(out, v->z, v->n);
  } else {
    kv_json_add_hex(out, v->z, v->n);
  }
  record_put(out, "\"}");
}

static void record_add_op(kv_bytes *out, const kv_cell *cell) {
  size_t i = cell->op == KV_CELL_PUT && cell->put.n == 0 ? 8 : 2;

  while (record_forms[i].op != cell->op)
    i++;
  record_put(out, record_forms[i].word);
  if (record_forms[i].kind == FORM_NUMBER) {
    kv_json_add(out, &cell->value);
  } else if (cell->put.n > 0) {
    kv_bytes_add(out, cell->put.z, cell->put.n);
    if (cell->cut.n > 0) record_put(out, ",\"cut\":");
  }
  kv_bytes_add(out, cell->cut.z, cell->cut.n);
  record_put(out, "}");
}

void kv_record_add(kv_bytes *out, const kv_cell *cell) {
  assert(cell->op != KV_CELL_UNKNOWN && cell->n_name > 0);
  if (out->last != '{') record_put(out, ",");
  kv_json_add_text(out, cell->name, cell->n_name);
  record_put(out, ":");
  if (cell->op == KV_CELL_SET) {
    record_add_value(out, cell);
  } else {
    record_add_op(out, cell);
  }
}
