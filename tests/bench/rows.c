/*
** Groups of operations on rows. See bench.h.
*/
#include <stdlib.h>

#include "bench.h"

#define COMMITS 100

/* Random ones, and those of keys. */
typedef enum rows_order {
  ORDER_FIRST,
  ORDER_AGAIN,
  ORDER_READ,
  ORDER_UP,
  ORDER_DOWN
} rows_order;

static int *rows_in_order(int n_keys, rows_order how) {
  int *order = bench_order(n_keys, (unsigned)how);
  int i;

  for (i = 0; i < n_keys && how >= ORDER_UP; i++)
    order[i] = how == ORDER_UP ? i : n_keys - 1 - i;
  return order;
}

/* Set n_keys keys in one transaction, which is all that is measured. */
static double rows_set(bench_run *run, int n_keys, int version,
                       rows_order how) {
  int *order = rows_in_order(n_keys, how);
  sqlite3_stmt *stmt = bench_prepare(run->db, "%s", run->engine->set);
  double start = bench_now(run->options);
  int i;

  bench_exec(run->db, "BEGIN");
  for (i = 0; i < n_keys; i++) {
    bench_bind_key(stmt, 1, order[i]);
    bench_bind_value(stmt, 2, order[i], version, run->options->value_size);
    bench_step(stmt);
  }
  bench_exec(run->db, "COMMIT");
  start = bench_now(run->options) - start;
  sqlite3_finalize(stmt);
  free(order);
  return start;
}

void bench_fill(bench_run *run, int n_keys, int version) {
  rows_set(run, n_keys, version, version ? ORDER_AGAIN : ORDER_FIRST);
}

static double per_row(const bench_run *run, double seconds) {
  return 1e6 * seconds / run->options->n_keys;
}

static void measure_write(bench_run *run) {
  run->engine->create(run, BENCH_FILE);
  run->figures[0] =
    per_row(run, rows_set(run, run->options->n_keys, 0, ORDER_FIRST));
  run->figures[1] =
    per_row(run, rows_set(run, run->options->n_keys, 1, ORDER_AGAIN));
  bench_close(NULL, run->db);
}

static void measure_up(bench_run *run) {
  run->engine->create(run, BENCH_FILE);
  run->figures[0] =
    per_row(run, rows_set(run, run->options->n_keys, 0, ORDER_UP));
  run->figures[1] =
    per_row(run, rows_set(run, run->options->n_keys, 1, ORDER_UP));
  bench_close(NULL, run->db);
}

static void measure_down(bench_run *run) {
  run->engine->create(run, BENCH_FILE);
  run->figures[0] =
    per_row(run, rows_set(run, run->options->n_keys, 0, ORDER_DOWN));
  bench_close(NULL, run->db);
}

void bench_drop(bench_run *run, int n_keys) {
  int *order = bench_order(n_keys, ORDER_AGAIN);
  sqlite3_stmt *stmt = bench_prepare(run->db, "%s", run->engine->drop);
  int i;

  bench_exec(run->db, "BEGIN");
  for (i = 0; i < n_keys; i++) {
    bench_bind_key(stmt, 1, order[i]);
    bench_step(stmt);
  }
  bench_exec(run->db, "COMMIT");
  sqlite3_finalize(stmt);
  free(order);
}

static void measure_delete(bench_run *run) {
  double start;

  run->engine->create(run, BENCH_FILE);
  bench_fill(run, run->options->n_keys, 0);
  start = bench_now(run->options);
  bench_drop(run, run->options->n_keys);
  run->figures[0] = per_row(run, bench_now(run->options) - start);
  bench_close(NULL, run->db);
}

/* Keys that exist already, so that the table keeps its size. */
static void measure_commit(bench_run *run) {
  sqlite3_stmt *stmt;
  double start;
  int i;

  run->engine->create(run, BENCH_FILE);
  bench_fill(run, run->options->n_keys, 0);
  stmt = bench_prepare(run->db, "%s", run->engine->set);
  start = bench_now(run->options);
  for (i = 0; i < COMMITS; i++) {
    int key = i * 7919 % run->options->n_keys;
    bench_bind_key(stmt, 1, key);
    bench_bind_value(stmt, 2, key, 1, run->options->value_size);
    bench_step(stmt);
  }
  run->figures[0] = 1e6 * (bench_now(run->options) - start) / COMMITS;
  bench_close(stmt, run->db);
}

/*
** Commits of one row that go into the host's database alone, and what brings
** them into the folder then. Both are durable in the same file.
*/
static void measure_burst(bench_run *run) {
  int is_kv = run->engine == BENCH_KV;
  int n = run->options->n_commits;
  sqlite3_stmt *stmt;
  double start;
  double middle;
  int i;

  if (is_kv) {
    run->db = bench_connect(bench_path("%s/host.db", run->dir));
    bench_exec(run->db,
               "CREATE VIRTUAL TABLE kv USING kv('%q/store.kv',"
               " device='laptop', publish='sync')",
               run->dir);
  } else {
    run->engine->create(run, BENCH_FILE);
  }
  bench_fill(run, run->options->n_keys, 0);
  if (is_kv) bench_exec(run->db, "SELECT kv_sync()");
  stmt = bench_prepare(run->db, "%s", run->engine->set);
  start = bench_now(run->options);
  for (i = 0; i < n; i++) {
    int key = (int)(i * 7919LL % run->options->n_keys);
    bench_bind_key(stmt, 1, key);
    bench_bind_value(stmt, 2, key, 1, run->options->value_size);
    bench_step(stmt);
  }
  middle = bench_now(run->options);
  if (is_kv) {
    bench_exec(run->db, "SELECT kv_sync()");
    bench_expect(run->db, 0,
                 "SELECT unpublished FROM kv_devices WHERE is_self");
    run->figures[1] = 1e3 * (bench_now(run->options) - middle);
  }
  run->figures[0] = 1e6 * (bench_now(run->options) - start) / n;
  bench_close(stmt, run->db);
}

/* Read text as programs do: the bytes, then how many they are. */
static int rows_reads(sqlite3_stmt *stmt, int column, int n) {
  const unsigned char *text = sqlite3_column_text(stmt, column);

  return text && sqlite3_column_bytes(stmt, column) == n && text[n] == 0;
}

/* One statement for each key; every key must exist. */
static double rows_get(bench_run *run, const char *sql) {
  int *order = bench_order(run->options->n_keys, ORDER_READ);
  sqlite3_stmt *stmt = bench_prepare(run->db, "%s", sql);
  double start = bench_now(run->options);
  int i;

  for (i = 0; i < run->options->n_keys; i++) {
    bench_bind_key(stmt, 1, order[i]);
    if (sqlite3_step(stmt) != SQLITE_ROW ||
        !rows_reads(stmt, 0, run->options->value_size)) {
      bench_die("%s: key %d is not there", sql, order[i]);
    }
    sqlite3_reset(stmt);
  }
  start = bench_now(run->options) - start;
  sqlite3_finalize(stmt);
  free(order);
  return start;
}

/* One statement that gives n rows. */
static double rows_scan(bench_run *run, sqlite3_stmt *stmt, int n) {
  double start = bench_now(run->options);
  int n_rows = 0;

  while (sqlite3_step(stmt) == SQLITE_ROW) {
    n_rows += rows_reads(stmt, 0, BENCH_KEY_SIZE) &&
              rows_reads(stmt, 1, run->options->value_size);
  }
  sqlite3_reset(stmt);
  start = bench_now(run->options) - start;
  if (n_rows != n) {
    bench_die("%s: %d rows instead of %d", sqlite3_sql(stmt), n_rows, n);
  }
  return start;
}

static void measure_read(bench_run *run) {
  const bench_engine *engine = run->engine;
  int n = run->options->n_keys;
  sqlite3_stmt *stmt;
  int i;

  engine->create(run, BENCH_TEMP);
  for (i = 0; i < run->options->versions; i++)
    bench_fill(run, n, i);
  if (engine == BENCH_KV) engine->merge(run); /* as a program does: kv_sync() */
  run->figures[0] = per_row(run, rows_get(run, engine->get));
  run->figures[1] =
    per_row(run, rows_get(run, engine->get_function ? engine->get_function
                                                    : engine->get));
  stmt = bench_prepare(run->db, "%s", engine->scan);
  run->figures[2] = per_row(run, rows_scan(run, stmt, n));
  sqlite3_finalize(stmt);
  stmt = bench_prepare(run->db, "%s", engine->range);
  bench_bind_key(stmt, 1, n / 2);
  bench_bind_key(stmt, 2, n / 2 + n / 10 - 1);
  run->figures[3] = 10 * per_row(run, rows_scan(run, stmt, n / 10));
  bench_close(stmt, run->db);
}

/* The bytes of a row besides its key and value; then the whole cache. */
static void measure_size(bench_run *run) {
  bench_options options = *run->options;
  int64_t content = BENCH_KEY_SIZE + run->options->value_size;

  options.is_persistent = 1;
  run->options = &options;
  run->engine->create(run, BENCH_FILE);
  bench_fill(run, options.n_keys, 0);
  bench_close(NULL, run->db);
  if (run->engine == BENCH_KV) {
    char *log = bench_path("%s/store.kv/devices/laptop", run->dir);
    run->figures[0] =
      (double)bench_size(log) / options.n_keys - (double)content;
  }
  run->figures[1] =
    (double)bench_size(bench_path("%s/host.db", run->dir)) / options.n_keys;
}

const bench_group bench_row_groups[] = {
  {"write",
   NULL,
   measure_write,
   0,
   {{"set, one transaction", "us/row", 1.5, 2.0, 0},
    {"set again", "us/row", 1.2, 2.0, 0}}},
  {"ascending",
   NULL,
   measure_up,
   0,
   {{"set in the order of keys", "us/row", 2.2, 2.5, 0},
    {"set again in that order", "us/row", 2.5, 3.0, 0}}},
  {"descending",
   NULL,
   measure_down,
   0,
   {{"set in the reverse order of keys", "us/row", 2.2, 3.0, 0}}},
  {"delete",
   NULL,
   measure_delete,
   0,
   {{"delete, one transaction", "us/row", 2.0, 2.0, 0}}},
  {"commit",
   NULL,
   measure_commit,
   0,
   {{"commit of one row", "us", 1.3, 2.0, 0}}},
  {"burst",
   NULL,
   measure_burst,
   0,
   {{"commit of one row, publish='sync'", "us", 1.15, 1.3, 0},
    {"of that kv_sync(), all in one write", "ms", 0, 0, 0}}},
  {"read",
   NULL,
   measure_read,
   0,
   {{"read by key", "us/row", 1.2, 1.5, 0},
    {"kv_get()", "us/row", 1.0, 1.5, 0},
    {"full scan", "us/row", 1.5, 2.5, 0},
    {"range scan of 10 %", "us/row", 2.0, 2.0, 0}}},
  {"size",
   NULL,
   measure_size,
   1,
   {{"log, beside key and value", "bytes/row", 60, 60, 1},
    {"table in a file", "bytes/row", 1.6, 1.6, 0}}},
  {0}};
