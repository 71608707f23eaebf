/*
** The row that an UPDATE has just found. See known.h.
*/
#include "known.h"

#include <string.h>

#include "core/order.h"
#include "db/value.h"

int kv_known_note(kv_typed *typed, sqlite3_stmt *row) {
  kv_known *known = &typed->known;
  int n = typed->declared.n_columns;
  int rc = SQLITE_OK;
  int i;

  if (known->is_there) return SQLITE_OK;
  kv_arena_clear(&known->arena);
  known->values = kv_arena_get(&known->arena, (size_t)n * sizeof(kv_value));
  if (!known->values) return SQLITE_NOMEM;
  for (i = 0; i < n && rc == SQLITE_OK; i++) {
    kv_value *value = &known->values[i];

    rc = kv_value_of_column(row, i, value);
    if (rc == SQLITE_OK && value->type >= KV_TEXT) {
      value->z = kv_arena_copy(&known->arena, value->z, value->n);
      if (!value->z) rc = SQLITE_NOMEM;
    }
  }
  known->n_changes = sqlite3_total_changes(typed->db);
  known->is_there = rc == SQLITE_OK;
  return rc;
}

int kv_known_find(const kv_typed *typed, kv_value *values) {
  const kv_declaration *declared = &typed->declared;
  const kv_known *known = &typed->known;
  int i;

  if (!known->is_there ||
      known->n_changes != sqlite3_total_changes(typed->db)) {
    return 0;
  }
  for (i = 0; i < declared->n_key; i++) {
    int column = declared->key[i];

    if (kv_order_keys(&known->values[column], &values[column]) != 0) return 0;
  }
  memcpy(values, known->values, (size_t)declared->n_columns * sizeof(*values));
  return 1;
}

void kv_known_forget(kv_typed *typed) {
  typed->known.is_there = 0;
}
