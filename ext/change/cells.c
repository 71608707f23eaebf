/*
** The records of local changes. See cells.h.
*/
#include "cells.h"

#include <string.h>

#include "core/names.h"
#include "core/order.h"
#include "declare/arrays.h"
#include "record/real.h"

/* A record whose cells are whole, or an error. */
static int cells_end(const kv_arena *arena, kv_bytes *out) {
  kv_record_end(out);
  if (out->rc == KV_OK) out->rc = arena->rc;
  return out->rc;
}

/* CURRENT_TIMESTAMP and so on, at a time in microseconds; 20 bytes at most. */
static void cells_now(kv_default what, int64_t ts, char *out) {
  char time[KV_TIME_SIZE];

  kv_time_format(ts, time);
  time[19] = '\0'; /* no milliseconds */
  if (what == KV_DEFAULT_TIME) {
    memcpy(out, time + 11, 9);
  } else {
    memcpy(out, time, 20);
    if (what == KV_DEFAULT_DATE) out[10] = '\0';
  }
}

int kv_cells_default(const kv_typed *typed, int column, kv_ids *ids,
                     kv_arena *arena, kv_value *out) {
  kv_default what = typed->declared.columns[column].what;
  int64_t ms = kv_store_now(typed->store) / 1000;
  char *text;

  switch (what) {
    case KV_DEFAULT_NONE: return SQLITE_OK;
    case KV_DEFAULT_LITERAL: *out = typed->defaults[column]; return SQLITE_OK;
    case KV_DEFAULT_ID:
      out->type = KV_INTEGER;
      out->i = kv_ids_id(ids, typed->db, ms);
      return SQLITE_OK;
    default: break;
  }
  text = kv_arena_get(arena, KV_UUID_SIZE);
  if (!text) return SQLITE_NOMEM;
  if (what == KV_DEFAULT_UUID) {
    kv_ids_uuid(ids, typed->db, ms, text);
  } else {
    cells_now(what, ms * 1000, text);
  }
  out->type = KV_TEXT;
  out->z = text;
  out->n = strlen(text);
  return SQLITE_OK;
}

static void cells_name(const kv_column *column, int op, kv_cell *out) {
  memset(out, 0, sizeof(*out));
  out->name = column->cell;
  out->n_name = strlen(column->cell);
  out->op = op;
}

/* Is it an array in the form of records? Another device may have assigned
** anything. If that cannot be told, the arena has the error, and the record is
** not written. */
static int cells_is_array(const kv_typed *typed, const kv_column *column,
                          const kv_value *value, kv_arena *arena,
                          kv_list *out) {
  int is_valid = 0;
  int rc = kv_arrays_read(typed->db, value, column->kind == KV_KIND_SET, arena,
                          out, &is_valid);

  if (rc != SQLITE_OK && arena->rc == KV_OK) arena->rc = rc;
  return rc == SQLITE_OK && is_valid && out->n == value->n &&
         memcmp(out->z, value->z, out->n) == 0;
}

/* The cell that assigns a value. */
static void cells_assign(const kv_typed *typed, const kv_column *column,
                         const kv_value *value, kv_arena *arena, kv_cell *out) {
  kv_list list;

  cells_name(column, KV_CELL_SET, out);
  if (column->kind >= KV_KIND_SET && value->type != KV_NULL &&
      cells_is_array(typed, column, value, arena, &list)) {
    out->op = column->kind == KV_KIND_SET ? KV_CELL_ELEMENTS : KV_CELL_ARRAY;
    out->put = list;
  } else {
    out->value = *value;
  }
}

int kv_cells_insert(const kv_typed *typed, const kv_value *values,
                    kv_arena *arena, kv_bytes *out) {
  const kv_declaration *declared = &typed->declared;
  int k;

  kv_record_begin(out, 1);
  for (k = 0; k < declared->n_columns; k++) {
    int i = declared->sorted[k];
    kv_cell cell;

    if (declared->columns[i].key > 0 || values[i].type == KV_NULL) continue;
    cells_assign(typed, &declared->columns[i], &values[i], arena, &cell);
    kv_record_add(out, &cell);
  }
  return cells_end(arena, out);
}

int kv_cells_assign(const kv_typed *typed, const kv_value *values, int column,
                    kv_arena *arena, kv_bytes *out) {
  kv_cell cell;

  kv_record_begin(out, 0);
  cells_assign(typed, &typed->declared.columns[column], &values[column], arena,
               &cell);
  kv_record_add(out, &cell);
  return cells_end(arena, out);
}

static int cells_is_number(const kv_value *value) {
  return value->type == KV_INTEGER || value->type == KV_REAL;
}

static double cells_real(const kv_value *value) {
  return value->type == KV_INTEGER ? (double)value->i
         : value->type == KV_REAL  ? value->r
                                   : 0.0;
}

/* a - b of integers; 0 if it is none. */
static int cells_subtract(int64_t a, int64_t b, int64_t *out) {
  if (b < 0 ? a > INT64_MAX + b : a < INT64_MIN + b) return 0;
  *out = a - b;
  return 1;
}

/* The difference of a counter; 0 if it has to be assigned. */
static int cells_add(const kv_value *old, kv_value *new, kv_cell *out) {
  if (old->type != KV_REAL && new->type == KV_INTEGER) {
    out->value.type = KV_INTEGER;
    return cells_subtract(new->i, old->type == KV_INTEGER ? old->i : 0,
                          &out->value.i);
  }
  out->value.type = KV_REAL;
  out->value.r = cells_real(new) - cells_real(old);
  if (!(out->value.r - out->value.r == 0)) return 0; /* no finite number */
  if (old->type == KV_NULL) return 1;
  new->r = kv_real_add(cells_real(old), out->value.r);
  return 1;
}

/* The elements that came and went; 0 if the set has to be assigned. */
static int cells_put(const kv_typed *typed, const kv_column *column,
                     const kv_value *old, const kv_value *new, kv_arena *arena,
                     kv_cell *out) {
  static const kv_list none = {"[]", 2};
  kv_list was = none;
  kv_list is;

  if (old->type != KV_NULL &&
      !cells_is_array(typed, column, old, arena, &was)) {
    return 0;
  }
  if (!cells_is_array(typed, column, new, arena, &is)) return 0;
  if (kv_arrays_less(is, was, arena, &out->put) != KV_OK ||
      kv_arrays_less(was, is, arena, &out->cut) != KV_OK) {
    return 0;
  }
  return out->put.n > 0 || out->cut.n > 0;
}

/* What was appended to a list; 0 if it has to be assigned. */
static int cells_push(const kv_typed *typed, const kv_column *column,
                      const kv_value *old, const kv_value *new, kv_arena *arena,
                      kv_cell *out) {
  static const kv_list none = {"[]", 2};
  kv_list was = none;
  kv_list is;
  int rc = KV_OK;

  if (old->type != KV_NULL &&
      !cells_is_array(typed, column, old, arena, &was)) {
    return 0;
  }
  if (!cells_is_array(typed, column, new, arena, &is)) return 0;
  return kv_arrays_tail(was, is, arena, &out->put, &rc) && out->put.n > 0;
}

/* Is the value of max (min) the one that stays? */
static int cells_is_beaten(const kv_column *column, const kv_value *old,
                           const kv_value *new) {
  int c = cells_is_number(old) ? kv_order_keys(new, old) : 0;

  return column->kind == KV_KIND_MAX ? c < 0 : c > 0;
}

/* What an UPDATE says about a column that it changes. */
static void cells_change(const kv_typed *typed, int i, const kv_value *old,
                         kv_value *new, kv_arena *arena, kv_cell *out) {
  const kv_column *column = &typed->declared.columns[i];
  int is_done = 0;

  cells_name(column, KV_CELL_SET, out);
  if (new->type != KV_NULL) {
    switch (column->kind) {
      case KV_KIND_LWW: break;
      case KV_KIND_COUNTER:
        out->op = KV_CELL_ADD;
        is_done = cells_add(old, new, out);
        break;
      case KV_KIND_MAX:
      case KV_KIND_MIN:
        out->op = column->kind == KV_KIND_MAX ? KV_CELL_MAX : KV_CELL_MIN;
        out->value = *new;
        is_done = 1;
        break;
      case KV_KIND_SET:
        out->op = KV_CELL_PUT;
        is_done = cells_put(typed, column, old, new, arena, out);
        break;
      case KV_KIND_LIST:
        out->op = KV_CELL_PUSH;
        is_done = cells_push(typed, column, old, new, arena, out);
        break;
    }
  }
  if (!is_done) cells_assign(typed, column, new, arena, out);
}

int kv_cells_update(const kv_typed *typed, const kv_value *old, kv_value *new,
                    int is_all, kv_arena *arena, kv_bytes *out,
                    kv_cells_change *change) {
  const kv_declaration *declared = &typed->declared;
  int k;

  *change = KV_CELLS_NONE;
  kv_record_begin(out, 0);
  for (k = 0; k < declared->n_columns; k++) {
    int i = declared->sorted[k];
    const kv_column *column = &declared->columns[i];
    kv_cell cell;

    if (column->key > 0) continue;
    if (is_all) {
      cells_assign(typed, column, &new[i], arena, &cell);
    } else {
      if ((column->kind == KV_KIND_MAX || column->kind == KV_KIND_MIN) &&
          new[i].type != KV_NULL && cells_is_beaten(column, &old[i], &new[i])) {
        new[i] = old[i];
      }
      if (kv_order_is_identical(&old[i], &new[i])) continue;
      cells_change(typed, i, &old[i], &new[i], arena, &cell);
    }
    kv_record_add(out, &cell);
    if (*change == KV_CELLS_NONE) *change = KV_CELLS_PLAIN;
    if (cell.op == KV_CELL_PUT || cell.op == KV_CELL_PUSH) {
      *change = KV_CELLS_FOLD;
    }
  }
  return cells_end(arena, out);
}

int kv_cells_columns(const kv_typed *typed, const kv_value *values,
                     kv_arena *arena, kv_fold_column **out, size_t *n) {
  const kv_declaration *declared = &typed->declared;
  size_t size = (size_t)declared->n_columns * sizeof(**out);
  int k;

  *n = 0;
  *out = kv_arena_get(arena, size);
  if (!*out) return KV_NOMEM;
  memset(*out, 0, size);
  for (k = 0; k < declared->n_columns; k++) {
    int i = declared->sorted[k];
    const kv_column *column = &declared->columns[i];
    kv_fold_column *to = &(*out)[*n];
    kv_cell cell;

    if (column->key > 0) continue;
    cells_assign(typed, column, &values[i], arena, &cell);
    to->name = cell.name;
    to->n_name = cell.n_name;
    to->op = cell.op;
    to->value = values[i];
    ++*n;
  }
  return arena->rc;
}
