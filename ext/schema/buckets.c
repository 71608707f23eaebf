/*
** The typed tables of a store. See buckets.h.
*/
#include "buckets.h"

#include <string.h>

#include "connection/find.h"
#include "core/names.h"
#include "db/error.h"
#include "declare/describe.h"
#include "record/record.h"
#include "store/errors.h"
#include "tables/follow.h"

/* Columns of buckets_declared. */
enum { DECLARED_DEVICE, DECLARED_TS, DECLARED_VALUE };

/* A column of the log, and which operations there are: bits of KV_CELL_*. */
typedef struct buckets_column {
  const char *name;
  size_t n;
  unsigned ops;
} buckets_column;

/* No more columns are listed: SQLite allows no more. */
#define BUCKETS_COLUMNS 2000

void kv_buckets_init(kv_buckets *buckets) {
  memset(buckets, 0, sizeof(*buckets));
  kv_arena_init(&buckets->arena, kv_realloc);
}

void kv_buckets_clear(kv_buckets *buckets) {
  int i;

  for (i = 0; i < buckets->n; i++)
    kv_typed_found_close(&buckets->list[i].found);
  sqlite3_free(buckets->list);
  kv_store_close(buckets->store);
  kv_arena_free(&buckets->arena);
  kv_buckets_init(buckets);
}

/* The bucket of that name, which is added in its place if need be. */
static int buckets_get(kv_buckets *buckets, const char *name,
                       kv_bucket_table **out) {
  size_t n = (size_t)buckets->n;
  kv_bucket_table *list;
  size_t i = 0;

  while (i < n && strcmp(buckets->list[i].name, name) < 0)
    i++;
  *out = &buckets->list[i];
  if (i < n && strcmp(buckets->list[i].name, name) == 0) return SQLITE_OK;
  list = sqlite3_realloc64(buckets->list, (n + 1) * sizeof(*list));
  if (!list) return SQLITE_NOMEM;
  buckets->list = list;
  memmove(&list[i + 1], &list[i], (n - i) * sizeof(*list));
  memset(&list[i], 0, sizeof(*list));
  buckets->n++;
  list[i].name = kv_arena_copy(&buckets->arena, name, strlen(name) + 1);
  if (!list[i].name) list[i].name = "";
  *out = &list[i];
  return list[i].name[0] ? SQLITE_OK : SQLITE_NOMEM;
}

/* A table of another store is none of its. */
static int buckets_visit(kv_typed *typed, void *with, char **err) {
  kv_buckets *buckets = with;
  kv_bucket_table *table;
  kv_typed_found found;
  int rc = kv_typed_find_in(buckets->store->registry, typed->schema,
                            typed->name, &found, err);

  if (rc == SQLITE_OK && found.typed && found.store == buckets->store) {
    rc = buckets_get(buckets, found.typed->meta.bucket, &table);
    if (rc == SQLITE_OK && !table->found.typed) {
      table->found = found;
      memset(&found, 0, sizeof(found));
    }
  }
  kv_typed_found_close(&found);
  return rc;
}

int kv_buckets_read(kv_buckets *buckets, kv_registry *registry,
                    const char *store, char **err) {
  kv_run run;
  int rc = kv_store_find(registry, store, &buckets->store, err);

  if (rc != SQLITE_OK) return rc;
  kv_run_begin(&run, &buckets->store->stmts, KV_SQL_BUCKETS_NAMES);
  while (kv_run_row(&run)) {
    const char *name = (const char *)sqlite3_column_text(run.stmt, 0);
    kv_bucket_table *table;

    run.rc = name ? buckets_get(buckets, name, &table) : SQLITE_NOMEM;
  }
  rc = kv_run_close(&run);
  kv_store_error(buckets->store, err, rc, "cannot read the cache");
  if (rc != SQLITE_OK) return rc;
  return kv_follow_each(registry->db, buckets->store->schema, buckets_visit,
                        buckets, err);
}

int kv_buckets_count(kv_buckets *buckets, int i, int64_t *out) {
  kv_run run;

  *out = 0;
  kv_run_begin(&run, &buckets->store->stmts, KV_SQL_BUCKETS_COUNT);
  kv_run_text(&run, buckets->list[i].name);
  return kv_run_number(&run, out);
}

int kv_buckets_rows(kv_buckets *buckets, int i, int64_t *shown,
                    int64_t *hidden) {
  kv_run run;

  kv_run_begin(&run, &buckets->list[i].found.typed->stmts, KV_SQL_BUCKETS_ROWS);
  if (kv_run_row(&run)) {
    *shown = sqlite3_column_int64(run.stmt, 0);
    *hidden = sqlite3_column_int64(run.stmt, 1);
  }
  return kv_run_close(&run);
}

/* Note what a record says about its columns. They are sorted by name. */
static int buckets_note(buckets_column *columns, size_t *n, kv_arena *names,
                        const kv_record *record) {
  size_t i;
  size_t k = 0;

  for (i = 0; i < record->n; i++) {
    const kv_cell *cell = &record->cells[i];
    int c = 1;

    while (k < *n && (c = kv_cell_compare_names(columns[k].name, columns[k].n,
                                                cell->name, cell->n_name)) < 0)
      k++;
    if (k == *n || c != 0) {
      if (*n == BUCKETS_COLUMNS) continue;
      memmove(&columns[k + 1], &columns[k], (*n - k) * sizeof(*columns));
      columns[k].name = kv_arena_copy(names, cell->name, cell->n_name);
      columns[k].n = cell->n_name;
      columns[k].ops = 0;
      ++*n;
      if (!columns[k].name) return SQLITE_NOMEM;
    }
    columns[k].ops |= 1u << cell->op;
  }
  return SQLITE_OK;
}

static void buckets_put(kv_bytes *out, const char *z) {
  kv_bytes_add(out, z, strlen(z));
}

/* All kinds of assignments are "set"; what is not understood is "". */
static void buckets_write(kv_bytes *out, const buckets_column *columns,
                          size_t n) {
  unsigned sets =
    1u << KV_CELL_SET | 1u << KV_CELL_ELEMENTS | 1u << KV_CELL_ARRAY;
  size_t i;
  int op;

  buckets_put(out, "{");
  for (i = 0; i < n; i++) {
    unsigned ops =
      columns[i].ops & sets ? (columns[i].ops & ~sets) | 1u : columns[i].ops;

    if (i > 0) buckets_put(out, ",");
    kv_json_add_text(out, columns[i].name, columns[i].n);
    buckets_put(out, ":[");
    for (op = 0; op <= KV_CELL_UNKNOWN; op++) {
      const char *name = kv_cell_op_name(op);

      if (!(ops & 1u << op)) continue;
      if (out->last != '[') buckets_put(out, ",");
      kv_json_add_text(out, name, strlen(name));
    }
    buckets_put(out, "]");
  }
  buckets_put(out, "}");
}

int kv_buckets_columns(kv_buckets *buckets, int i, kv_bytes *out) {
  buckets_column *columns =
    sqlite3_malloc64((BUCKETS_COLUMNS + 1) * sizeof(*columns));
  kv_arena names;
  kv_arena cells;
  size_t n = 0;
  kv_run run;
  int rc;

  if (!columns) return SQLITE_NOMEM;
  kv_arena_init(&names, kv_realloc);
  kv_arena_init(&cells, kv_realloc);
  kv_run_begin(&run, &buckets->store->stmts, KV_SQL_BUCKETS_RECORDS);
  kv_run_text(&run, buckets->list[i].name);
  while (kv_run_row(&run)) {
    kv_value value = {0};
    kv_record record;

    kv_arena_clear(&cells);
    kv_run_column(&run, 0, &value);
    if (run.rc != SQLITE_OK || value.type != KV_TEXT) continue;
    run.rc = kv_record_read(value.z, value.n, &cells, &record);
    if (run.rc == SQLITE_OK) {
      run.rc = buckets_note(columns, &n, &names, &record);
    }
  }
  rc = kv_run_close(&run);
  if (rc == SQLITE_OK) buckets_write(out, columns, n);
  sqlite3_free(columns);
  kv_arena_free(&names);
  kv_arena_free(&cells);
  return kv_first_error(rc, out->rc);
}

/* Is a value JSON, as kv_describe() writes it? */
static int buckets_is_json(const kv_value *value) {
  const char *z = value->z;
  int has_nul;

  return value->type == KV_TEXT && value->n > 0 &&
         kv_json_is_utf8(z, value->n, &has_nul) &&
         kv_json_skip(z, z + value->n) == z + value->n;
}

/* One declaration. */
static void buckets_add_declared(kv_run *run, kv_bytes *out) {
  const char *device =
    (const char *)sqlite3_column_text(run->stmt, DECLARED_DEVICE);
  char time[KV_TIME_SIZE];
  kv_value value = {0};

  kv_run_column(run, DECLARED_VALUE, &value);
  if (run->rc == SQLITE_OK && !device) run->rc = SQLITE_NOMEM;
  if (run->rc != SQLITE_OK) return;
  kv_time_format(sqlite3_column_int64(run->stmt, DECLARED_TS), time);
  buckets_put(out, out->last == '[' ? "{\"device\":" : ",{\"device\":");
  kv_json_add_text(out, device, strlen(device));
  buckets_put(out, ",\"time\":");
  kv_json_add_text(out, time, strlen(time));
  buckets_put(out, ",\"declaration\":");
  if (buckets_is_json(&value)) {
    kv_bytes_add(out, value.z, value.n);
  } else {
    buckets_put(out, "null");
  }
  buckets_put(out, "}");
}

int kv_buckets_declared(kv_buckets *buckets, int i, kv_bytes *out) {
  kv_run run;
  int rc;

  buckets_put(out, "[");
  kv_run_begin(&run, &buckets->store->stmts, KV_SQL_BUCKETS_DECLARED);
  kv_run_text(&run, buckets->list[i].name);
  while (kv_run_row(&run))
    buckets_add_declared(&run, out);
  rc = kv_run_close(&run);
  buckets_put(out, "]");
  return kv_first_error(rc, out->rc);
}

/* A member of an object: its JSON. Returns 0 if it has none of that name. */
static int buckets_member(const char *z, size_t n, const char *name,
                          kv_list *out) {
  const char *end = z + n;

  out->z = NULL;
  out->n = 0;
  if (n < 2 || *z != '{') return 0;
  z++;
  while (z < end && *z == '"') {
    kv_scalar key;
    const char *from = kv_json_text(z, end, &key);

    if (!from || from >= end || *from != ':') return 0;
    z = kv_json_skip(from + 1, end);
    if (!z || z >= end) return 0;
    if (key.value.n == strlen(name) &&
        memcmp(key.value.z, name, key.value.n) == 0) {
      out->z = from + 1;
      out->n = (size_t)(z - out->z);
      return 1;
    }
    if (*z++ != ',') return 0;
  }
  return 0;
}

/* The parts in which two declarations differ; NULL: in none. */
static int buckets_compare(sqlite3 *db, const kv_bytes *here,
                           const kv_value *newest, char **differing) {
  static const char *const names[] = {"checks", "columns", "deletes", "foreign",
                                      "key",    "merge",   "unique"};
  sqlite3_str *out = sqlite3_str_new(db);
  int rc;
  int i;

  for (i = 0; i < 7; i++) {
    kv_list a;
    kv_list b;
    int has_a = buckets_member(here->z, here->n, names[i], &a);
    int has_b = buckets_member(newest->z, newest->n, names[i], &b);

    if (has_a == has_b && a.n == b.n &&
        (a.n == 0 || memcmp(a.z, b.z, a.n) == 0)) {
      continue;
    }
    sqlite3_str_appendf(out, "%s%s", sqlite3_str_length(out) > 0 ? ", " : "",
                        names[i]);
  }
  rc = sqlite3_str_errcode(out);
  *differing = sqlite3_str_finish(out);
  return rc;
}

int kv_buckets_differs(kv_buckets *buckets, int i, char **out) {
  const kv_typed *typed = buckets->list[i].found.typed;
  kv_bytes here;
  kv_run run;
  int rc = SQLITE_OK;

  *out = NULL;
  if (!typed) return SQLITE_OK;
  kv_bytes_init(&here, kv_realloc, KV_RECORD_MAX);
  kv_describe(&typed->declared, &here);
  kv_run_begin(&run, &buckets->store->stmts, KV_SQL_BUCKETS_DECLARED);
  kv_run_text(&run, buckets->list[i].name);
  if (here.rc == KV_OK && kv_run_row(&run)) {
    kv_value newest = {0};

    kv_run_column(&run, DECLARED_VALUE, &newest);
    if (run.rc == SQLITE_OK && buckets_is_json(&newest)) {
      rc = buckets_compare(typed->db, &here, &newest, out);
    }
  }
  kv_bytes_free(&here);
  return kv_first_error(kv_first_error(kv_run_close(&run), here.rc), rc);
}
