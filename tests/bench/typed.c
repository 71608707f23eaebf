/*
** Typed tables beside plain ones with the same columns: two integers, two texts
** of 10 bytes, one of 70, two reals and a NULL. Keys are texts in random order,
** ascending integers, and UUIDv7, which ascend, too. See bench.h.
**
** Both are in a database file. kv_table has its store there, and its log beside
** it, so it is durable in two files. A merge of a plain table reads the same
** rows in the same order from another database. Peers' tables are those columns,
** too; sqlite-sync has to be told that it may have an integer key.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define TYPED_AGE 2.1 /* seconds until a file's date is trusted */
#define TYPED_ROW "id, a, b, c, d, e, f, g, h"
#define TYPED_COLUMNS                                                          \
  "a INTEGER, b INTEGER, c TEXT, d TEXT, e TEXT, f REAL, g REAL, h TEXT"

typedef enum typed_keys { KEYS_RANDOM, KEYS_INTEGERS, KEYS_UUIDS } typed_keys;

/* Nobody writes that by hand. */
static int typed_takes_part(const bench_run *run) {
  return run->engine != BENCH_HAND;
}

/* Make the table `items`, empty. */
static void typed_create(bench_run *run, typed_keys keys, const char *dir,
                         const char *device) {
  const char *type = keys == KEYS_INTEGERS ? "INTEGER" : "TEXT";

  run->db = bench_connect(bench_path("%s/host.db", dir));
  if (run->engine == BENCH_KV) {
    bench_exec(run->db,
               "CREATE VIRTUAL TABLE kv USING kv('%q/store.kv', device='%q')",
               dir, device);
    bench_exec(run->db,
               "CREATE VIRTUAL TABLE items USING kv_table("
               "id %s PRIMARY KEY, " TYPED_COLUMNS ")",
               type);
    bench_exec(run->db, "SELECT kv_sync()");
  } else if (run->engine == BENCH_PLAIN) {
    bench_exec(run->db,
               "CREATE TABLE items(id %s PRIMARY KEY, " TYPED_COLUMNS ") %s",
               type, keys == KEYS_INTEGERS ? "" : "WITHOUT ROWID");
  } else {
    bench_load(run->db, run->options->extension[run->engine->extension]);
    bench_exec(run->db,
               "CREATE TABLE items(id %s PRIMARY KEY NOT NULL, " TYPED_COLUMNS
               ")",
               type);
    bench_exec(run->db, run->engine->make_own, "items");
  }
}

/* One of them each millisecond. */
static void typed_bind_uuid(sqlite3_stmt *stmt, int key) {
  unsigned random = (unsigned)key * 2654435761u;
  char text[64];

  snprintf(text, sizeof(text), "0195b8c0-%04x-7%03x-8%03x-%04x%08x",
           (unsigned)key >> 12 & 0xffff, (unsigned)key & 0xfff, random & 0xfff,
           random >> 16, random);
  sqlite3_bind_text(stmt, 1, text, -1, SQLITE_TRANSIENT);
}

static void typed_bind_key(sqlite3_stmt *stmt, typed_keys keys, int key) {
  switch (keys) {
    case KEYS_INTEGERS: sqlite3_bind_int(stmt, 1, key + 1); break;
    case KEYS_UUIDS: typed_bind_uuid(stmt, key); break;
    default: bench_bind_key(stmt, 1, key); break;
  }
}

static void typed_bind_row(sqlite3_stmt *stmt, typed_keys keys, int key) {
  typed_bind_key(stmt, keys, key);
  sqlite3_bind_int(stmt, 2, key);
  sqlite3_bind_int64(stmt, 3, key * 7919LL);
  bench_bind_value(stmt, 4, key, 1, 10);
  bench_bind_value(stmt, 5, key, 2, 10);
  bench_bind_value(stmt, 6, key, 3, 70);
  sqlite3_bind_double(stmt, 7, key / 8.0);
  sqlite3_bind_double(stmt, 8, key / 3.0);
}

static int *typed_order(const bench_run *run, typed_keys keys, unsigned salt) {
  int *order = bench_order(run->options->n_keys, salt);
  int i;

  for (i = 0; i < run->options->n_keys && keys != KEYS_RANDOM; i++)
    order[i] = i;
  return order;
}

static double per_row(const bench_run *run, double start) {
  return 1e6 * (bench_now(run->options) - start) / run->options->n_keys;
}

/* Insert all rows in one transaction, which is all that is measured. */
static double typed_insert(bench_run *run, typed_keys keys, const char *table) {
  int *order = typed_order(run, keys, 0);
  sqlite3_stmt *stmt = bench_prepare(
    run->db, "INSERT INTO %s VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, NULL)",
    table);
  double start = bench_now(run->options);
  int i;

  bench_exec(run->db, "BEGIN");
  for (i = 0; i < run->options->n_keys; i++) {
    typed_bind_row(stmt, keys, order[i]);
    bench_step(stmt);
  }
  bench_exec(run->db, "COMMIT");
  start = per_row(run, start);
  sqlite3_finalize(stmt);
  free(order);
  return start;
}

static double typed_update(bench_run *run) {
  int *order = bench_order(run->options->n_keys, 1);
  sqlite3_stmt *stmt =
    bench_prepare(run->db, "UPDATE items SET b = ?2 WHERE id = ?1");
  double start = bench_now(run->options);
  int i;

  bench_exec(run->db, "BEGIN");
  for (i = 0; i < run->options->n_keys; i++) {
    bench_bind_key(stmt, 1, order[i]);
    sqlite3_bind_int64(stmt, 2, order[i] * 7919LL + 1);
    bench_step(stmt);
  }
  bench_exec(run->db, "COMMIT");
  start = per_row(run, start);
  sqlite3_finalize(stmt);
  free(order);
  bench_expect(run->db, run->options->n_keys,
               "SELECT count(*) FROM items WHERE b = a * 7919 + 1");
  return start;
}

/* Read all columns of the row, as programs do. */
static int typed_read(sqlite3_stmt *stmt) {
  int n = sqlite3_column_count(stmt);
  int n_bytes = 0;
  int i;

  for (i = 0; i < n; i++) {
    if (sqlite3_column_type(stmt, i) == SQLITE_TEXT) {
      n_bytes += sqlite3_column_text(stmt, i) != NULL;
      n_bytes += sqlite3_column_bytes(stmt, i);
    } else {
      n_bytes += sqlite3_column_double(stmt, i) >= 0;
    }
  }
  return n_bytes;
}

/* One statement for each row, found by its key or by its text c. */
static double typed_get(bench_run *run, const char *table, int by_key) {
  int *order = bench_order(run->options->n_keys, 2);
  sqlite3_stmt *stmt =
    bench_prepare(run->db, "SELECT " TYPED_ROW " FROM %s WHERE %s = ?1", table,
                  by_key ? "id" : "c");
  double start = bench_now(run->options);
  int i;

  for (i = 0; i < run->options->n_keys; i++) {
    if (by_key) bench_bind_key(stmt, 1, order[i]);
    if (!by_key) bench_bind_value(stmt, 1, order[i], 1, 10);
    if (sqlite3_step(stmt) != SQLITE_ROW || typed_read(stmt) < 100) {
      bench_die("%s: row %d is not there", table, order[i]);
    }
    sqlite3_reset(stmt);
  }
  start = per_row(run, start);
  sqlite3_finalize(stmt);
  free(order);
  return start;
}

static double typed_scan(bench_run *run, const char *table,
                         const char *columns) {
  sqlite3_stmt *stmt =
    bench_prepare(run->db, "SELECT %s FROM %s", columns, table);
  double start = bench_now(run->options);
  int n_rows = 0;

  while (sqlite3_step(stmt) == SQLITE_ROW)
    n_rows += typed_read(stmt) > 0;
  start = per_row(run, start);
  sqlite3_finalize(stmt);
  if (n_rows != run->options->n_keys) bench_die("%s: rows lost", table);
  return start;
}

static double typed_log_size(const bench_run *run) {
  char *log = bench_path("%s/store.kv/devices/laptop", run->dir);

  return (double)bench_size(log) / run->options->n_keys;
}

static void measure_typed(bench_run *run) {
  int is_kv = run->engine == BENCH_KV;
  const char *data = is_kv ? "items_data" : "items";

  if (!typed_takes_part(run)) return;
  typed_create(run, KEYS_RANDOM, run->dir, "laptop");
  run->figures[0] = typed_insert(run, KEYS_RANDOM, "items");
  if (is_kv) run->figures[1] = typed_log_size(run);
  run->figures[2] = typed_update(run);
  if (is_kv) run->figures[3] = typed_log_size(run) - run->figures[1];
  run->figures[4] = typed_get(run, "items", 1);
  run->figures[5] = typed_scan(run, "items", TYPED_ROW);
  run->figures[6] = typed_scan(run, "items", "a, c");
  run->figures[7] = typed_get(run, data, 1);
  run->figures[8] = typed_scan(run, data, TYPED_ROW);
  bench_exec(run->db, "CREATE INDEX items_c ON %s(c)", data);
  run->figures[9] = typed_get(run, "items", 0);
  bench_close(NULL, run->db);
}

static void typed_measure_insert(bench_run *run, typed_keys keys) {
  if (!typed_takes_part(run)) return;
  typed_create(run, keys, run->dir, "laptop");
  run->figures[0] = typed_insert(run, keys, "items");
  bench_close(NULL, run->db);
}

/* A database of each peer that is given. */
static void typed_make_peers(bench_run *run, typed_keys keys) {
  int i;

  for (i = 0; i < bench_n_engines; i++) {
    const bench_engine *peer = &bench_engines[i];
    char *dir = bench_path("%s/%s", run->shared, peer->name);

    if (!peer->make_own || !bench_is_given(run->options, peer)) continue;
    bench_mkdir(dir);
    run->engine = peer;
    typed_create(run, keys, dir, NULL);
    typed_insert(run, keys, "items");
    bench_pack(run->db);
    bench_close(NULL, run->db);
  }
}

/* A log of another device, and the same rows for the plain table. */
static void typed_prepare_merge(bench_run *run, typed_keys keys) {
  run->engine = BENCH_KV;
  typed_create(run, keys, run->shared, "phone");
  typed_insert(run, keys, "items");
  bench_close(NULL, run->db);
  bench_rename(bench_path("%s/store.kv/devices/phone", run->shared),
               bench_path("%s/phone", run->shared));
  run->db = bench_connect(bench_path("%s/rows.db", run->shared));
  bench_exec(run->db, "CREATE TABLE rows(id, " TYPED_COLUMNS ")");
  typed_insert(run, keys, "rows");
  bench_close(NULL, run->db);
  typed_make_peers(run, keys);
  bench_wait(run->options, TYPED_AGE);
}

static void typed_measure_merge(bench_run *run, typed_keys keys) {
  int is_kv = run->engine == BENCH_KV;
  char *lent = bench_path("%s/store.kv/devices/phone", run->dir);
  char *kept = bench_path("%s/phone", run->shared);
  double start;

  if (!typed_takes_part(run)) return;
  typed_create(run, keys, run->dir, "laptop");
  if (is_kv) {
    bench_rename(kept, lent);
  } else if (run->engine->make_own) {
    run->engine->attach(run, run->shared);
  } else {
    bench_exec(run->db, "ATTACH '%q/rows.db' AS source", run->shared);
  }
  start = bench_now(run->options);
  if (is_kv || run->engine->make_own) {
    run->engine->merge(run);
  } else {
    bench_exec(run->db,
               "INSERT INTO items SELECT * FROM source.rows ORDER BY rowid");
  }
  run->figures[0] = per_row(run, start);
  bench_expect(run->db, run->options->n_keys, "SELECT count(*) FROM items");
  bench_close(NULL, run->db);
  if (is_kv) bench_rename(lent, kept);
}

static void measure_integers(bench_run *run) {
  typed_measure_insert(run, KEYS_INTEGERS);
}

static void measure_uuids(bench_run *run) {
  typed_measure_insert(run, KEYS_UUIDS);
}

static void prepare_merge(bench_run *run) {
  typed_prepare_merge(run, KEYS_RANDOM);
}

static void measure_merge(bench_run *run) {
  typed_measure_merge(run, KEYS_RANDOM);
}

static void prepare_merge_integers(bench_run *run) {
  typed_prepare_merge(run, KEYS_INTEGERS);
}

static void measure_merge_integers(bench_run *run) {
  typed_measure_merge(run, KEYS_INTEGERS);
}

static void prepare_merge_uuids(bench_run *run) {
  typed_prepare_merge(run, KEYS_UUIDS);
}

static void measure_merge_uuids(bench_run *run) {
  typed_measure_merge(run, KEYS_UUIDS);
}

const bench_group bench_typed_groups[] = {
  {"typed",
   NULL,
   measure_typed,
   0,
   {{"typed: insert, one transaction", "us/row", 2.0, 2.5, 0},
    {"log of that", "bytes/row", 280, 280, 1},
    {"typed: update of one column", "us/row", 2.0, 3.0, 0},
    {"log of that", "bytes/row", 90, 90, 1},
    {"typed: read by key", "us/row", 1.5, 1.5, 0},
    {"typed: full scan", "us/row", 2.5, 2.5, 0},
    {"typed: scan of two columns", "us/row", 2.5, 2.5, 0},
    {"read by key of items_data", "us/row", 1.0, 1.0, 0},
    {"full scan of items_data", "us/row", 1.0, 1.0, 0},
    {"typed: look-up by an index", "us/row", 1.5, 1.5, 0}}},
  {"typed",
   NULL,
   measure_integers,
   0,
   {{"typed: insert, ascending integers", "us/row", 4.0, 8.0, 0}}},
  {"typed",
   NULL,
   measure_uuids,
   0,
   {{"typed: insert, UUIDv7", "us/row", 4.0, 8.0, 0}}},
  {"typed",
   prepare_merge,
   measure_merge,
   0,
   {{"typed: merge", "us/row", 1.5, 2.0, 0}}},
  {"typed",
   prepare_merge_integers,
   measure_merge_integers,
   0,
   {{"typed: merge, ascending integers", "us/row", 3.0, 6.0, 0}}},
  {"typed",
   prepare_merge_uuids,
   measure_merge_uuids,
   0,
   {{"typed: merge, UUIDv7", "us/row", 3.0, 6.0, 0}}},
  {0}};
