/*
** Groups of operations on folders: merging, opening, an idle sync, history.
** See bench.h.
*/
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench.h"

#define IDLE_SYNCS 20
#define NEW_ROWS 10
#define AGE 2.1 /* seconds until a file's date is trusted */
#define HISTORY_VERSIONS 10
#define HISTORY_DEVICES 5
#define HISTORY_BEGIN 1790000000000000 /* microseconds since 1970 */
#define HOUR 3600000000

static void folders_make_sources(bench_run *run) {
  int i;

  for (i = 0; i < bench_n_engines; i++) {
    run->engine = &bench_engines[i];
    if (bench_is_given(run->options, run->engine) && run->engine->make_source) {
      run->engine->make_source(run, run->shared, run->options->n_keys);
    }
  }
  bench_wait(run->options, AGE);
}

/* Return the devices' folder that was lent. */
static void folders_detach(const bench_run *run) {
  if (run->engine != BENCH_KV) return;
  bench_rename(bench_path("%s/store.kv/devices/phone", run->dir),
               bench_path("%s/phone", run->shared));
}

static int64_t folders_count(bench_run *run) {
  char *sql = bench_path("SELECT count(*) FROM (%s)", run->engine->scan);
  return bench_number(run->db, "%s", sql);
}

/*
** A plain table of the same rows with everything that the cache keeps of them,
** in its order: the cost of a merge without verifying, numbering and sorting.
*/
static double merge_all_columns(bench_run *run) {
  double start;

  bench_exec(run->db,
             "CREATE %s TABLE rows(part, key, ts, device, seq, txn,"
             "  parent_ts, op, arrived, value, PRIMARY KEY(part, key,"
             "  ts DESC, device DESC, seq DESC)) WITHOUT ROWID",
             run->options->is_persistent ? "" : "TEMP");
  start = bench_now(run->options);
  bench_exec(run->db, "INSERT INTO rows SELECT 0, key, ts, 'phone', seq, txn,"
                      " parent_ts, op, 1, value FROM source.log ORDER BY seq");
  return bench_now(run->options) - start;
}

static void measure_merge(bench_run *run) {
  int n = run->options->n_keys;
  double start;

  run->engine->create(run, BENCH_TEMP);
  run->engine->attach(run, run->shared);
  start = bench_now(run->options);
  run->engine->merge(run);
  run->figures[0] = 1e6 * (bench_now(run->options) - start) / n;
  if (folders_count(run) != n) bench_die("%s: rows lost", run->engine->name);
  if (run->engine == BENCH_KV) {
    run->figures[1] = run->figures[0];
    start = bench_now(run->options);
    run->engine->merge(run);
    run->figures[2] = 1e6 * (bench_now(run->options) - start);
  } else if (run->engine == BENCH_PLAIN) {
    run->figures[1] = 1e6 * merge_all_columns(run) / n;
  }
  bench_close(NULL, run->db);
  folders_detach(run);
}

void bench_copy(const char *from, const char *to) {
  static char bytes[65536];
  FILE *in = fopen(from, "rb");
  FILE *out = fopen(to, "wb");
  size_t n;

  if (!in || !out) bench_die("cannot copy %s to %s", from, to);
  while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0) {
    if (fwrite(bytes, 1, n, out) != n) bench_die("cannot write %s", to);
  }
  fclose(in);
  if (fclose(out) != 0) bench_die("cannot write %s", to);
}

/* A log of n_many keys, and the same log with a few new rows. */
static void prepare_many(bench_run *run) {
  char *log = bench_path("%s/source.kv/devices/phone/log.db", run->shared);
  char *phone = bench_path("%s/phone", run->shared);

  run->engine = BENCH_KV;
  run->db = bench_connect(":memory:");
  bench_exec(run->db, "SELECT kv_open('%q/source.kv', 'phone', 'segment=0')",
             run->shared);
  bench_fill(run, run->options->n_many, 0);
  bench_mkdir(phone);
  bench_copy(log, bench_path("%s/log.db", phone));
  bench_fill(run, NEW_ROWS, 1);
  bench_close(NULL, run->db);
  bench_rename(log, bench_path("%s/more.db", run->shared));
  bench_wait(run->options, AGE);
}

/* Read everything into a new store or table, and measure how long it takes. */
static double many_open(bench_run *run) {
  double start;

  if (run->engine == BENCH_KV) {
    char *folder = bench_path("%s/store.kv", run->dir);

    bench_mkdir(folder);
    bench_mkdir(bench_path("%s/devices", folder));
    run->engine->attach(run, run->shared);
    run->db = bench_connect(":memory:");
    if (run->options->is_memory) {
      bench_exec(run->db, "PRAGMA temp_store = MEMORY");
    }
    start = bench_now(run->options);
    bench_exec(run->db, "SELECT kv_open(%Q, 'laptop')", folder);
    return bench_now(run->options) - start;
  }
  run->engine->create(run, BENCH_TEMP);
  run->engine->attach(run, run->shared);
  start = bench_now(run->options);
  run->engine->merge(run);
  return bench_now(run->options) - start;
}

static double many_sync(bench_run *run, int times) {
  double start = bench_now(run->options);
  int i;

  for (i = 0; i < times; i++)
    bench_exec(run->db, "SELECT kv_sync()");
  return (bench_now(run->options) - start) / times;
}

/*
** A few new rows at the end of a large log, compared with a sync without any.
*/
static double many_news(bench_run *run) {
  char *log = bench_path("%s/store.kv/devices/phone/log.db", run->dir);
  char *before = bench_path("%s/before.db", run->shared);
  char *more = bench_path("%s/more.db", run->shared);
  double seconds;
  int64_t n;

  bench_wait(run->options, AGE);
  many_sync(run, 2);
  seconds = -many_sync(run, IDLE_SYNCS);
  bench_rename(log, before);
  bench_rename(more, log);
  seconds -= bench_now(run->options);
  n = bench_number(run->db, "SELECT kv_sync()");
  seconds += bench_now(run->options);
  if (n != NEW_ROWS) bench_die("%lld new rows", (long long)n);
  bench_rename(log, more);
  bench_rename(before, log);
  return seconds;
}

static void many_measure(bench_run *run, int is_memory) {
  bench_options options = *run->options;
  double peak = bench_peak();
  double seconds;

  if (run->engine->extension >= 0) return;
  options.is_persistent = 0;
  options.is_memory = is_memory;
  run->options = &options;
  seconds = many_open(run);
  run->figures[0] = 1e6 * seconds / options.n_many;
  run->figures[1] = (bench_peak() - peak) / 1e6;
  if (run->engine == BENCH_KV && !is_memory) {
    run->figures[2] = 1e3 * many_news(run);
  }
  bench_close(NULL, run->db);
  folders_detach(run);
}

static void measure_many(bench_run *run) {
  many_measure(run, 0);
}

static void measure_memory(bench_run *run) {
  many_measure(run, 1);
}

/* A folder for each engine, with a database that holds the same rows. */
static void prepare_persistent(bench_run *run) {
  bench_options options = *run->options;
  int i;

  options.is_persistent = 1;
  run->options = &options;
  prepare_many(run);
  for (i = 0; i < bench_n_engines; i++) {
    run->engine = &bench_engines[i];
    if (run->engine->extension >= 0) continue;
    run->dir = bench_path("%s/%s", run->shared, run->engine->name);
    bench_mkdir(run->dir);
    run->engine->create(run, BENCH_FILE);
    run->engine->attach(run, run->shared);
    run->engine->merge(run);
    bench_close(NULL, run->db);
    folders_detach(run);
  }
}

/* Until the first key is read. */
static void measure_persistent(bench_run *run) {
  sqlite3_stmt *stmt;
  double start = bench_now(run->options);

  if (run->engine->extension >= 0) return;
  run->db =
    bench_connect(bench_path("%s/%s/host.db", run->shared, run->engine->name));
  stmt = bench_prepare(run->db, "%s", run->engine->get);
  bench_bind_key(stmt, 1, run->options->n_many / 2);
  if (sqlite3_step(stmt) != SQLITE_ROW) bench_die("no such key");
  run->figures[0] = 1e3 * (bench_now(run->options) - start);
  bench_close(stmt, run->db);
}

/* Each log is written where nothing has to be merged first. */
static void folders_move_device(bench_run *run, const char *device) {
  bench_rename(bench_path("%s/one.kv/devices/%s", run->shared, device),
               bench_path("%s/store.kv/devices/%s", run->shared, device));
}

static void folders_make_store(bench_run *run) {
  bench_mkdir(bench_path("%s/store.kv", run->shared));
  bench_mkdir(bench_path("%s/store.kv/devices", run->shared));
}

static void prepare_idle(bench_run *run) {
  int i;

  run->engine = BENCH_KV;
  folders_make_store(run);
  for (i = 0; i < run->options->n_devices; i++) {
    char *device = bench_path("device%d", i);
    run->db = bench_connect(":memory:");
    bench_exec(run->db, "SELECT kv_open('%q/one.kv', %Q)", run->shared, device);
    bench_exec(run->db, "INSERT INTO kv VALUES(%Q, 1)", device);
    bench_close(NULL, run->db);
    folders_move_device(run, device);
  }
  bench_wait(run->options, AGE);
}

/* The system calls of kv_sync(), and nothing else. */
static int idle_look(const char *folder) {
  char path[4096];
  struct dirent *entry;
  struct stat st;
  DIR *dir;
  int n = 0;

  lstat(folder, &st);
  snprintf(path, sizeof(path), "%s/devices", folder);
  lstat(path, &st);
  dir = opendir(path);
  while (dir && (entry = readdir(dir)) != NULL) {
    snprintf(path, sizeof(path), "%s/devices/%s/log.db", folder, entry->d_name);
    if (entry->d_name[0] != '.') n += lstat(path, &st) == 0;
  }
  if (dir) closedir(dir);
  return n;
}

static void measure_idle(bench_run *run) {
  char *folder = bench_path("%s/store.kv", run->shared);
  double start;
  int i;

  if (run->engine == BENCH_KV) {
    run->db = bench_connect(":memory:");
    bench_exec(run->db, "SELECT kv_open(%Q, 'laptop')", folder);
    bench_expect(run->db, run->options->n_devices, "SELECT count(*) FROM kv");
    many_sync(run, 2);
    run->figures[0] = 1e3 * many_sync(run, IDLE_SYNCS);
    bench_close(NULL, run->db);
  } else if (run->engine == BENCH_PLAIN) {
    start = bench_now(run->options);
    for (i = 0; i < IDLE_SYNCS; i++) {
      if (idle_look(folder) < run->options->n_devices) {
        bench_die("devices are missing");
      }
    }
    run->figures[0] = 1e3 * (bench_now(run->options) - start) / IDLE_SYNCS;
  }
}

/* A log of one device of the history, with what it wrote in each hour. */
static void history_write(bench_run *run, const char *device, int first,
                          int step, int n_keys) {
  int version;

  run->db = bench_connect(":memory:");
  for (version = first; version < HISTORY_VERSIONS; version += step) {
    bench_exec(
      run->db, "SELECT kv_open('%q/one.kv', %Q, 'now=%lld, segment=0')",
      run->shared, device, (long long)(HISTORY_BEGIN + version * HOUR));
    bench_fill(run, n_keys, version);
  }
  bench_close(NULL, run->db);
  folders_move_device(run, device);
}

static char *history_dir(const bench_run *run, const bench_engine *engine) {
  char *dir = bench_path("%s/%s", run->shared, engine->name);
  bench_mkdir(dir);
  return dir;
}

/* The hand-written log gets what all devices wrote, and indexes. */
static void history_make_hand(bench_run *run) {
  int i;

  run->engine = BENCH_HAND;
  run->dir = history_dir(run, run->engine);
  run->engine->create(run, BENCH_FILE);
  for (i = 0; i <= HISTORY_DEVICES; i++) {
    bench_exec(run->db,
               "ATTACH '%q/store.kv/devices/device%d/log.db' AS source",
               run->shared, i);
    run->engine->merge(run);
    bench_exec(run->db, "DETACH source");
  }
  bench_exec(run->db, "CREATE INDEX log_key ON log(key, ts)");
  bench_exec(run->db, "CREATE INDEX log_ts ON log(ts)");
  bench_close(NULL, run->db);
}

/*
** Five devices take turns at setting all keys, one version each hour; a
** sixth sets one key in a hundred half an hour after the last.
*/
static void prepare_history(bench_run *run) {
  bench_options options = *run->options;
  int n = options.n_keys;
  int i;

  options.is_persistent = 1;
  run->options = &options;
  folders_make_store(run);
  run->engine = BENCH_KV;
  for (i = 0; i < HISTORY_DEVICES; i++) {
    history_write(run, bench_path("device%d", i), i, HISTORY_DEVICES, n);
  }
  run->dir = history_dir(run, BENCH_KV);
  run->db = bench_connect(bench_path("%s/host.db", run->dir));
  bench_exec(run->db, "CREATE VIRTUAL TABLE kv USING kv('%q/store.kv')",
             run->shared);
  bench_exec(run->db, "SELECT kv_sync()");
  /* Needs the index by time, which the next sync builds. */
  if (bench_has_table(run->db, "kv_diff")) {
    bench_exec(run->db, "SELECT * FROM kv_diff('now')");
    bench_exec(run->db, "SELECT kv_sync()");
  }
  if (bench_has_table(run->db, "kv_changes")) {
    bench_exec(run->db, "CREATE TABLE mark AS SELECT kv_cursor() AS cursor");
  }
  bench_close(NULL, run->db);

  run->db = bench_connect(":memory:");
  bench_exec(run->db, "SELECT kv_open('%q/one.kv', 'device%d', 'now=%lld')",
             run->shared, HISTORY_DEVICES,
             (long long)(HISTORY_BEGIN + 19 * HOUR / 2));
  bench_fill(run, n / 100, HISTORY_VERSIONS);
  bench_close(NULL, run->db);
  folders_move_device(run, bench_path("device%d", HISTORY_DEVICES));
  run->db = bench_connect(bench_path("%s/host.db", run->dir));
  bench_exec(run->db, "SELECT kv_sync()");
  bench_close(NULL, run->db);

  history_make_hand(run);
  run->engine = BENCH_PLAIN;
  run->dir = history_dir(run, run->engine);
  run->engine->create(run, BENCH_FILE);
  bench_fill(run, n, 0);
  bench_close(NULL, run->db);
}

/* Read keys, each by one statement; `salt` says in which order. */
static double history_get(bench_run *run, const char *sql, int n) {
  int *order = bench_order(run->options->n_keys, 3);
  sqlite3_stmt *stmt = bench_prepare(run->db, "%s", sql);
  double start = bench_now(run->options);
  int i;

  for (i = 0; i < n; i++) {
    bench_bind_key(stmt, 1, order[i]);
    if (sqlite3_bind_parameter_count(stmt) > 1) {
      sqlite3_bind_int64(stmt, 2, HISTORY_BEGIN + 11 * HOUR / 2);
    }
    if (sqlite3_step(stmt) != SQLITE_ROW) bench_die("%s: no row", sql);
    sqlite3_reset(stmt);
  }
  start = bench_now(run->options) - start;
  sqlite3_finalize(stmt);
  free(order);
  return start;
}

/* A query that gives n rows of three columns or less, which are read. */
static double history_query(bench_run *run, const char *sql, int n) {
  sqlite3_stmt *stmt = bench_prepare(run->db, "%s", sql);
  double start = bench_now(run->options);
  int n_columns = sqlite3_column_count(stmt);
  int n_rows = 0;
  int i;

  while (sqlite3_step(stmt) == SQLITE_ROW) {
    for (i = 0; i < n_columns; i++)
      sqlite3_column_bytes(stmt, i);
    n_rows++;
  }
  start = bench_now(run->options) - start;
  if (n_rows != n) bench_die("%s: %d rows instead of %d", sql, n_rows, n);
  sqlite3_finalize(stmt);
  return start;
}

static void measure_history(bench_run *run) {
  const bench_engine *engine = run->engine;
  int n = run->options->n_keys;
  int n_news = n / 100;
  long long last_hour = HISTORY_BEGIN + 9 * HOUR + HOUR / 4;
  const char *get = engine->get;

  if (engine->extension >= 0) return;
  if (engine == BENCH_KV) get = "SELECT value FROM kv(?2) WHERE key = ?1";
  if (engine == BENCH_HAND) {
    get = "SELECT value FROM log WHERE key = ?1 AND ts <= ?2"
          " ORDER BY ts DESC, device DESC LIMIT 1";
  }
  run->db =
    bench_connect(bench_path("%s/%s/host.db", run->shared, engine->name));
  run->figures[0] = 1e6 * history_get(run, get, n) / n;
  run->figures[1] = 1e6 * history_query(run, engine->scan, n) / n;
  if (engine == BENCH_PLAIN) {
    run->figures[2] = run->figures[3] =
      1e6 * history_get(run, get, n_news) / n_news;
  }
  if (engine == BENCH_KV && bench_has_table(run->db, "kv_diff")) {
    char *sql = bench_path(
      "SELECT key, old_value, new_value FROM kv_diff(%lld)", last_hour);
    run->figures[2] = 1e6 * history_query(run, sql, n_news) / n_news;
  }
  if (engine == BENCH_KV && bench_has_table(run->db, "kv_changes")) {
    char *sql =
      bench_path("SELECT key, value FROM kv_changes(%lld)",
                 (long long)bench_number(run->db, "SELECT cursor FROM mark"));
    run->figures[3] = 1e6 * history_query(run, sql, n_news) / n_news;
  }
  if (engine == BENCH_HAND) {
    char *sql = bench_path(
      "SELECT key, (SELECT value FROM log AS o WHERE o.key = n.key AND"
      " o.ts <= %lld ORDER BY ts DESC, device DESC LIMIT 1), value"
      " FROM log AS n WHERE ts > %lld",
      last_hour, last_hour);
    run->figures[2] = 1e6 * history_query(run, sql, n_news) / n_news;
  }
  bench_close(NULL, run->db);
}

const bench_group bench_folder_groups[] = {
  {"merge",
   folders_make_sources,
   measure_merge,
   0,
   {{"merge a log into an empty store", "us/row", 0.6, 1.0, 0},
    {"the same, to a table of all columns", "us/row", 0.6, 1.0, 0},
    {"the same log again", "us", 0, 0, 0}}},
  {"open",
   prepare_many,
   measure_many,
   0,
   {{"open a folder, ten times the keys", "us/row", 1.2, 1.2, 0},
    {"memory of that", "MB", 1.5, 1.5, 0},
    {"ten new rows there, over an idle sync", "ms", 0.5, 0.5, 1}}},
  {"memory",
   prepare_many,
   measure_memory,
   0,
   {{"open it, temporary tables in memory", "us/row", 1.2, 1.2, 0},
    {"memory of that", "MB", 1.5, 1.5, 0}}},
  {"persistent",
   prepare_persistent,
   measure_persistent,
   0,
   {{"open a persistent cache, ten times", "ms", 5, 5, 1}}},
  {"idle",
   prepare_idle,
   measure_idle,
   0,
   {{"idle sync, a thousand devices", "ms", 3.0, 5.0, 0}}},
  {"history",
   prepare_history,
   measure_history,
   0,
   {{"read by key as of a time, 10 versions", "us/row", 3.0, 3.0, 0},
    {"full scan, 10 versions", "us/row", 3.0, 3.0, 0},
    {"kv_diff() of 1 % of the keys", "us/row", 0, 0, 0},
    {"kv_changes() of 1 % of the keys", "us/row", 0, 0, 0}}},
  {0}};
