/*
** Writes of this device to a typed table. See change.h.
*/
#include "change.h"

#include <string.h>

#include "bucket/bucket.h"
#include "cells.h"
#include "core/order.h"
#include "db/error.h"
#include "db/value.h"
#include "declare/arrays.h"
#include "declare/convert.h"
#include "declare/keys.h"
#include "declared.h"
#include "fold/compose.h"
#include "restore.h"
#include "rules.h"
#include "store/errors.h"
#include "store/write.h"
#include "tables/known.h"
#include "tables/settle.h"

/* One change of one row. The values are of all columns. */
typedef struct change {
  kv_typed *typed;
  kv_arena *arena; /* typed->work */
  kv_value bucket;
  kv_value key;
  kv_value *old; /* the row as it is, */
  int exists;    /* if it is there */
  kv_value *new;
  const kv_value *moved; /* the row whose key it gets, or NULL */
  kv_bucket_place place;
  int is_placed; /* place is found */
  kv_bytes record;
  char **err;
} change;

static kv_value *change_values(change *c) {
  size_t size = (size_t)c->typed->declared.n_columns * sizeof(kv_value);
  kv_value *out = kv_arena_get(c->arena, size);

  if (out) memset(out, 0, size);
  return out;
}

static int change_begin(change *c, kv_typed *typed, char **err) {
  memset(c, 0, sizeof(*c));
  c->typed = typed;
  c->err = err;
  c->arena = &typed->work;
  kv_arena_clear(c->arena);
  kv_bytes_init(&c->record, kv_realloc, KV_RECORD_MAX);
  c->bucket.type = KV_TEXT;
  c->bucket.z = typed->meta.bucket;
  c->bucket.n = strlen(typed->meta.bucket);
  c->old = change_values(c);
  c->new = change_values(c);
  return c->old && c->new ? SQLITE_OK : SQLITE_NOMEM;
}

static void change_end(change *c) {
  kv_known_forget(c->typed);
  kv_value_free(&c->place.value);
  kv_bytes_free(&c->record);
}

/* A constraint that is declared: the message that SQLite has for it. */
static int change_refuse(change *c, int rc, const char *what,
                         const char *column) {
  if (c->err && !*c->err) {
    *c->err = column ? sqlite3_mprintf("%s constraint failed: %s.%s", what,
                                       c->typed->name, column)
                     : sqlite3_mprintf("%s constraint failed", what);
  }
  return rc;
}

static int change_refuse_type(change *c, const kv_column *column,
                              const kv_value *value) {
  if (c->err && !*c->err) {
    *c->err = sqlite3_mprintf(
      "cannot store %s value in %s column %s.%s", kv_convert_value_name(value),
      kv_convert_type_name(column->type), c->typed->name, column->name);
  }
  return SQLITE_CONSTRAINT_DATATYPE;
}

/* A set or list, in the form of records. */
static int change_array(change *c, const kv_column *column, kv_value *value) {
  kv_list list;
  int is_valid;
  int rc;

  if (value->type == KV_NULL) return SQLITE_OK;
  rc = kv_arrays_read(c->typed->db, value, column->kind == KV_KIND_SET,
                      c->arena, &list, &is_valid);
  if (rc == SQLITE_OK && !is_valid) {
    rc = kv_error(c->err, SQLITE_CONSTRAINT_DATATYPE,
                  "column %s.%s is a %s: give it a JSON array of numbers, "
                  "texts and null",
                  c->typed->name, column->name,
                  column->kind == KV_KIND_SET ? "set" : "list");
  }
  value->z = list.z;
  value->n = list.n;
  return rc;
}

/* A value that was given for a column, with its own bytes. */
static int change_take(change *c, int i, sqlite3_value *given, kv_value *out) {
  const kv_column *column = &c->typed->declared.columns[i];
  int fits;
  int rc = kv_convert_given(column, given, out, &fits);

  if (rc == SQLITE_OK && !fits) return change_refuse_type(c, column, out);
  if (rc == SQLITE_OK && column->kind >= KV_KIND_SET) {
    rc = change_array(c, column, out);
  }
  return rc;
}

static int change_check_nulls(change *c) {
  int i;

  for (i = 0; i < c->typed->declared.n_columns; i++) {
    const kv_column *column = &c->typed->declared.columns[i];

    if (column->is_not_null && c->new[i].type == KV_NULL) {
      return change_refuse(c, SQLITE_CONSTRAINT_NOTNULL, "NOT NULL",
                           column->name);
    }
  }
  return SQLITE_OK;
}

/* The key of the new values. */
static int change_key(change *c, kv_value *out) {
  int is_valid;
  int rc = kv_keys_write(&c->typed->declared, c->new, c->arena, out, &is_valid);

  if (rc == SQLITE_OK && !is_valid) {
    rc = kv_error(c->err, SQLITE_CONSTRAINT,
                  "the key of %s has text that is not valid Unicode",
                  c->typed->name);
  }
  return rc;
}

/* Read the row of a key, whose columns are in `values`. */
static int change_read(change *c, kv_value *values, int *exists) {
  const kv_declaration *declared = &c->typed->declared;
  kv_run run;
  int i;

  kv_run_begin(&run, &c->typed->stmts, KV_SQL_CHANGE_ROW);
  for (i = 0; i < declared->n_key; i++)
    kv_run_value(&run, &values[declared->key[i]]);
  *exists = kv_run_row(&run);
  for (i = 0; i < declared->n_columns && *exists; i++) {
    kv_value *value = &values[i];

    kv_run_column(&run, i, value);
    if (run.rc == SQLITE_OK &&
        (value->type == KV_TEXT || value->type == KV_BLOB)) {
      value->z = kv_arena_copy(c->arena, value->z, value->n);
      if (!value->z) run.rc = SQLITE_NOMEM;
    }
  }
  return kv_run_close(&run);
}

/* The row that a statement found, by a scan or not; it may be gone since. */
static int change_find(change *c, sqlite3_value *key, int is_scanned) {
  int is_valid;
  int rc = kv_value_of(key, &c->key);

  if (rc == SQLITE_OK) {
    rc =
      kv_keys_read(&c->typed->declared, &c->key, c->arena, c->old, &is_valid);
  }
  if (rc != SQLITE_OK || !is_valid) return rc;
  if (c->typed->declared.n_key == 1) {
    c->key = c->old[c->typed->declared.key[0]]; /* 1, where 1.0 was given */
  }
  c->exists = is_scanned && kv_known_find(c->typed, c->old);
  return c->exists ? SQLITE_OK : change_read(c, c->old, &c->exists);
}

/* Combine the record with that of an earlier change of the transaction. */
static int change_compose(change *c) {
  kv_record earlier;
  kv_record later;
  kv_fold_column *columns = NULL;
  size_t n = 0;
  kv_bytes out;
  int rc =
    kv_record_read(c->place.value.z, c->place.value.n, c->arena, &earlier);

  if (rc == SQLITE_OK)
    rc = kv_record_read(c->record.z, c->record.n, c->arena, &later);
  if (rc == SQLITE_OK)
    rc = kv_cells_columns(c->typed, c->old, c->arena, &columns, &n);
  if (rc != SQLITE_OK) return rc;
  kv_bytes_init(&out, kv_realloc, KV_RECORD_MAX);
  kv_compose(&earlier, &later, columns, n, c->arena, &out);
  rc = out.rc;
  kv_bytes_free(&c->record);
  c->record = out;
  return rc;
}

/* Settle a key again: what was written to {name}_data may not be what it is. */
static int change_settle(change *c, const kv_value *key) {
  kv_value copy;
  int rc = kv_value_copy(key, &copy);

  if (rc == SQLITE_OK) rc = kv_write_flush(c->typed->store, c->err);
  if (rc == SQLITE_OK) rc = kv_settle_begin(c->typed);
  if (rc == SQLITE_OK) rc = kv_settle_key(c->typed, &copy);
  kv_value_free(&copy);
  return rc;
}

/* Write the log row of the change. is_update: to a row that is there. */
static int change_log(change *c, int op, int is_update) {
  kv_value value = {KV_TEXT, 0, 0, NULL, 0};
  int must_compose = is_update && c->place.is_again &&
                     c->place.op == KV_OP_SET && op == KV_OP_SET;
  int rc = must_compose ? change_compose(c) : SQLITE_OK;

  value.z = c->record.z;
  value.n = c->record.n;
  if (rc == SQLITE_OK) {
    rc = kv_bucket_put(c->typed->store, &c->place, &c->bucket, op, &c->key,
                       op == KV_OP_SET ? &value : NULL, !c->typed->has_triggers,
                       c->err);
  }
  if (must_compose || rc != SQLITE_OK) {
    rc = kv_first_error(rc, change_settle(c, &c->key));
  }
  return rc;
}

/*
** The place of the log row, which begins the transaction. Triggers on {name}_data
** may read what would be late.
*/
static int change_place(change *c) {
  kv_store *store = c->typed->store;
  int is_placed = c->is_placed && c->typed->is_declared;
  int rc = kv_declared_log(c->typed, c->err);

  if (rc == SQLITE_OK && !is_placed) {
    kv_value_free(&c->place.value);
    rc = kv_bucket_find(store, &c->bucket, &c->key, &c->place, c->err);
  }
  if (rc == SQLITE_OK && c->typed->has_triggers) {
    c->place.is_put |= c->place.is_late;
    c->place.is_late = 0;
    rc = kv_write_flush(store, c->err);
  }
  return rc;
}

/* Look for a row with the key of the new values. It has log rows if it exists. */
static int change_meet(change *c) {
  int rc = change_key(c, &c->key);

  if (rc == SQLITE_OK) {
    rc =
      kv_bucket_find(c->typed->store, &c->bucket, &c->key, &c->place, c->err);
  }
  c->is_placed = rc == SQLITE_OK;
  if (rc != SQLITE_OK || !c->place.is_found) return rc;
  memcpy(c->old, c->new,
         (size_t)c->typed->declared.n_columns * sizeof(*c->old));
  return change_read(c, c->old, &c->exists);
}

/* If SQLite refuses the row: its message, about the table that the user knows. */
static int change_put(change *c) {
  int rc = kv_settle_put(c->typed, KV_SQL_CHANGE_INSERT, c->new);

  rc = kv_typed_error(c->typed, c->err, rc, "cannot write a row");
  if (rc != SQLITE_OK && c->typed->has_triggers &&
      !sqlite3_get_autocommit(c->typed->db)) {
    kv_settle_delete(c->typed, c->new); /* RAISE(FAIL) keeps it */
  }
  return rc;
}

/* The same of a row that is there. */
static int change_put_update(change *c) {
  int rc = kv_settle_update(c->typed, c->old, c->new);

  return kv_typed_error(c->typed, c->err, rc, "cannot write a row");
}

/*
** Insert the new values as a row that is not there. One that was hidden begins
** anew, and is listed no longer.
*/
static int change_insert(change *c) {
  int rc = change_place(c);

  if (rc == SQLITE_OK) {
    rc = kv_cells_insert(c->typed, c->new, c->arena, &c->record);
  }
  if (rc == SQLITE_OK)
    rc = kv_rules_check(c->typed, c->new, NULL, c->moved, c->err);
  if (rc == SQLITE_OK) rc = change_put(c);
  if (rc == SQLITE_OK && c->place.is_found)
    rc = kv_settle_show(c->typed, &c->key);
  if (rc == SQLITE_OK) rc = change_log(c, KV_OP_SET, 0);
  return rc;
}

/* Update the row in c->old by c->new, which has the same key. */
static int change_update(change *c, int is_all) {
  kv_cells_change what;
  int rc = kv_cells_update(c->typed, c->old, c->new, is_all, c->arena,
                           &c->record, &what);

  if (rc != SQLITE_OK || what == KV_CELLS_NONE) return rc;
  rc = change_place(c);
  if (rc == SQLITE_OK)
    rc = kv_rules_check(c->typed, c->new, c->old, c->moved, c->err);
  if (rc == SQLITE_OK) rc = change_put_update(c);
  if (rc == SQLITE_OK) rc = change_log(c, KV_OP_SET, 1);
  if (rc == SQLITE_OK && what == KV_CELLS_FOLD) rc = change_settle(c, &c->key);
  return rc;
}

static int change_existing(change *c, kv_on_existing mode) {
  const kv_declaration *declared = &c->typed->declared;

  if (mode == KV_EXISTING_REPLACE) return change_update(c, 1);
  return change_refuse(c, SQLITE_CONSTRAINT_UNIQUE, "UNIQUE",
                       declared->columns[declared->key[0]].name);
}

static int change_delete(change *c) {
  int rc = change_place(c);

  if (rc == SQLITE_OK) rc = kv_rules_check_delete(c->typed, c->old, c->err);
  if (rc == SQLITE_OK) rc = kv_settle_delete(c->typed, c->old);
  return rc == SQLITE_OK ? change_log(c, KV_OP_DELETE, 0) : rc;
}

static int change_take_all(change *c, kv_ids *ids, sqlite3_value **values) {
  int rc = SQLITE_OK;
  int i;

  for (i = 0; i < c->typed->declared.n_columns && rc == SQLITE_OK; i++) {
    rc = change_take(c, i, values[i], &c->new[i]);
    if (rc == SQLITE_OK && c->new[i].type == KV_NULL) {
      const kv_column *column = &c->typed->declared.columns[i];

      rc = kv_cells_default(c->typed, i, ids, c->arena, &c->new[i]);
      if (rc == SQLITE_OK &&
          !kv_convert_merged(column, &c->new[i], &c->new[i])) {
        rc = change_refuse_type(c, column, &c->new[i]);
      }
      if (rc == SQLITE_OK && column->kind >= KV_KIND_SET) {
        rc = change_array(c, column, &c->new[i]);
      }
    }
  }
  return rc == SQLITE_OK ? change_check_nulls(c) : rc;
}

int kv_change_insert(kv_typed *typed, kv_ids *ids, sqlite3_value **values,
                     kv_on_existing mode, sqlite3_int64 *id, char **err) {
  const kv_declaration *declared = &typed->declared;
  change c;
  int rc = change_begin(&c, typed, err);

  if (rc == SQLITE_OK) rc = change_take_all(&c, ids, values);
  if (rc == SQLITE_OK) rc = change_meet(&c);
  if (rc == SQLITE_OK) {
    rc = c.exists ? change_existing(&c, mode) : change_insert(&c);
  }
  if (rc == SQLITE_OK && declared->n_key == 1 &&
      declared->columns[declared->key[0]].type == KV_TYPE_INTEGER) {
    *id = c.new[declared->key[0]].i;
  }
  change_end(&c);
  return kv_typed_error(typed, err, rc, "cannot insert into a row");
}

/*
** The key changes: the other row is inserted, and this one deleted. In a
** transaction an error in between would keep the first half.
*/
static int change_move(change *c, kv_on_existing mode) {
  change to = *c;
  int rc;

  memset(&to.place, 0, sizeof(to.place));
  kv_bytes_init(&to.record, kv_realloc, KV_RECORD_MAX);
  to.moved = c->old;
  to.exists = 0;
  to.old = change_values(&to);
  rc = to.old ? change_meet(&to) : SQLITE_NOMEM;
  if (rc == SQLITE_OK) rc = kv_rules_check_delete(c->typed, c->old, c->err);
  if (rc == SQLITE_OK && to.exists) {
    rc = change_existing(&to, mode);
  } else if (rc == SQLITE_OK) {
    rc = change_insert(&to);
  }
  if (rc == SQLITE_OK) rc = change_delete(c);
  change_end(&to);
  return rc;
}

/* Is the key of the new values that of the old ones? */
static int change_is_same_key(const change *c) {
  const kv_declaration *declared = &c->typed->declared;
  int i;

  for (i = 0; i < declared->n_key; i++) {
    int column = declared->key[i];
    if (kv_order_keys(&c->old[column], &c->new[column]) != 0) return 0;
  }
  return 1;
}

int kv_change_update(kv_typed *typed, sqlite3_value *key,
                     sqlite3_value **values, kv_on_existing mode, char **err) {
  change c;
  int i;
  int rc = change_begin(&c, typed, err);

  if (rc == SQLITE_OK) rc = change_find(&c, key, 1);
  for (i = 0; i < typed->declared.n_columns && rc == SQLITE_OK; i++) {
    c.new[i] = c.old[i];
    if (sqlite3_value_nochange(values[i])) continue;
    rc = change_take(&c, i, values[i], &c.new[i]);
  }
  if (rc == SQLITE_OK && c.exists) {
    rc = change_check_nulls(&c);
    if (rc == SQLITE_OK) {
      rc =
        change_is_same_key(&c) ? change_update(&c, 0) : change_move(&c, mode);
    }
  }
  change_end(&c);
  return kv_typed_error(typed, err, rc, "cannot update a row");
}

int kv_change_delete(kv_typed *typed, sqlite3_value *key, char **err) {
  change c;
  int rc = change_begin(&c, typed, err);

  if (rc == SQLITE_OK) rc = change_find(&c, key, 1);
  if (rc == SQLITE_OK && c.exists) rc = change_delete(&c);
  change_end(&c);
  return kv_typed_error(typed, err, rc, "cannot delete a row");
}

/* The row may be hidden. */
static int change_delete_any(change *c) {
  int rc;

  if (c->exists) return change_delete(c);
  rc = change_place(c);
  if (rc != SQLITE_OK || !c->place.is_found) return rc;
  rc = change_log(c, KV_OP_DELETE, 0);
  return rc == SQLITE_OK ? change_settle(c, &c->key) : rc;
}

int kv_change_delete_hidden(kv_typed *typed, sqlite3_value *key, char **err) {
  change c;
  int rc = change_begin(&c, typed, err);

  if (rc == SQLITE_OK) rc = change_find(&c, key, 0);
  if (rc == SQLITE_OK) rc = change_delete_any(&c);
  change_end(&c);
  return kv_typed_error(typed, err, rc, "cannot delete a row");
}

/* Write the row as it was. What is there now may be hidden, or not a row. */
static int change_restore(change *c, kv_restore *restore) {
  int is_update = restore->what == KV_RESTORE_UPDATE;
  int is_whole = c->typed->folded.fold.is_whole; /* else it is listed */
  int n = 0;
  int rc;

  if (restore->what == KV_RESTORE_NONE) return SQLITE_OK;
  if (restore->what == KV_RESTORE_DELETE) return change_delete_any(c);
  rc = kv_restore_record(restore, &c->record, &n);
  if (rc != SQLITE_OK || (is_update && n == 0)) return rc;
  if (rc == SQLITE_OK) {
    rc = kv_restore_values(restore, &c->key, c->new, c->err);
  }
  if (rc == SQLITE_OK) rc = change_place(c);
  if (rc == SQLITE_OK) {
    rc =
      kv_rules_check(c->typed, c->new, c->exists ? c->old : NULL, NULL, c->err);
  }
  if (rc == SQLITE_OK) {
    rc = c->exists ? change_put_update(c) : change_put(c);
  }
  if (rc == SQLITE_OK && !c->exists) rc = kv_settle_show(c->typed, &c->key);
  if (rc == SQLITE_OK) rc = change_log(c, KV_OP_SET, is_update);
  if (rc == SQLITE_OK && !is_whole) rc = change_settle(c, &c->key);
  return rc;
}

int kv_change_revert(kv_typed *typed, sqlite3_value *key, const int64_t *as_of,
                     char **err) {
  kv_restore restore = {0};
  change c;
  int rc = change_begin(&c, typed, err);

  if (rc == SQLITE_OK) rc = change_find(&c, key, 0);
  if (rc == SQLITE_OK) rc = kv_write_flush(typed->store, err);
  if (rc == SQLITE_OK) {
    rc = kv_restore_begin(&restore, typed, &c.key, as_of, err);
  }
  if (rc == SQLITE_OK) rc = change_restore(&c, &restore);
  kv_restore_end(&restore);
  change_end(&c);
  return kv_typed_error(typed, err, rc, "cannot revert a row");
}

int kv_change_assign(kv_typed *typed, sqlite3_value *key, const char *column,
                     sqlite3_value *value, char **err) {
  int i = kv_declaration_column(&typed->declared, column);
  change c;
  int rc = change_begin(&c, typed, err);

  if (rc == SQLITE_OK && (i < 0 || typed->declared.columns[i].key > 0)) {
    rc = kv_error(err, SQLITE_ERROR, "%s has no column %s that can be assigned",
                  typed->name, column);
  }
  if (rc == SQLITE_OK) rc = change_find(&c, key, 0);
  if (rc == SQLITE_OK && !c.exists) {
    rc =
      kv_error(err, SQLITE_ERROR, "%s has no row with this key", typed->name);
  }
  if (rc == SQLITE_OK) {
    memcpy(c.new, c.old, (size_t)typed->declared.n_columns * sizeof(*c.new));
    rc = change_take(&c, i, value, &c.new[i]);
  }
  if (rc == SQLITE_OK) rc = change_check_nulls(&c);
  if (rc == SQLITE_OK) rc = change_place(&c);
  if (rc == SQLITE_OK) rc = kv_rules_check(typed, c.new, c.old, NULL, err);
  if (rc == SQLITE_OK) {
    rc = kv_cells_assign(typed, c.new, i, c.arena, &c.record);
  }
  if (rc == SQLITE_OK) rc = change_put_update(&c);
  if (rc == SQLITE_OK) rc = change_log(&c, KV_OP_SET, 1);
  change_end(&c);
  return kv_typed_error(typed, err, rc, "cannot assign a column");
}
