/*
** Large things, tried once: do they work, and is memory flat? See bench.h.
*/
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define LARGE_ROWS 10000000
#define LARGE_TRANSACTION 1000000
#define LARGE_VALUE 60000000
#define LARGE_VALUES 3
#define LARGE_DEVICES 1000

typedef struct large_step {
  const char *name;
  void (*work)(const char *folder);
} large_step;

static sqlite3 *large_open(const char *folder, const char *device) {
  sqlite3 *db = bench_connect(":memory:");

  bench_exec(db, "SELECT kv_open(%Q, %Q)", folder, device);
  return db;
}

static void large_set(sqlite3 *db, int first, int n) {
  sqlite3_stmt *stmt = bench_prepare(db, "INSERT INTO kv VALUES(?1, ?2)");
  int i;

  bench_exec(db, "BEGIN");
  for (i = first; i < first + n; i++) {
    /*
    ** Multiplying by an odd factor modulo a power of two gives every number
    ** once, in no order.
    */
    int key = (int)((unsigned)i * 2654435761u & 0xffffff);
    bench_bind_key(stmt, 1, key);
    bench_bind_value(stmt, 2, key, 0, 70);
    bench_step(stmt);
  }
  bench_exec(db, "COMMIT");
  sqlite3_finalize(stmt);
}

static void large_transaction(const char *folder) {
  sqlite3 *db = large_open(folder, "phone");

  large_set(db, 0, LARGE_TRANSACTION);
  bench_expect(db, LARGE_TRANSACTION, "SELECT count(*) FROM kv");
  bench_close(NULL, db);
}

static void large_log(const char *folder) {
  sqlite3 *db = large_open(folder, "phone");
  int i;

  for (i = LARGE_TRANSACTION; i < LARGE_ROWS; i += LARGE_TRANSACTION) {
    large_set(db, i, LARGE_TRANSACTION);
  }
  bench_close(NULL, db);
}

static void large_merge(const char *folder) {
  sqlite3 *db = large_open(folder, "laptop");

  bench_expect(db, LARGE_ROWS, "SELECT count(*) FROM kv");
  bench_close(NULL, db);
}

static void large_persistent(const char *folder) {
  char *path = bench_path("%s-host.db", folder);
  sqlite3 *db = bench_connect(path);

  bench_exec(db, "CREATE VIRTUAL TABLE kv USING kv(%Q)", folder);
  bench_exec(db, "SELECT kv_sync()");
  bench_expect(db, LARGE_ROWS, "SELECT count(*) FROM kv");
  bench_close(NULL, db);
  bench_remove(path);
}

static void large_values(const char *folder) {
  sqlite3 *db = large_open(folder, "phone");
  sqlite3_stmt *stmt = bench_prepare(db, "INSERT INTO kv VALUES(?1, ?2)");
  int i;

  for (i = 0; i < LARGE_VALUES; i++) {
    bench_bind_key(stmt, 1, i);
    bench_bind_value(stmt, 2, i, 0, LARGE_VALUE);
    bench_step(stmt);
  }
  bench_close(stmt, db);
}

static void large_values_merge(const char *folder) {
  sqlite3 *db = large_open(folder, "laptop");

  bench_expect(db, (int64_t)LARGE_VALUES * LARGE_VALUE,
               "SELECT sum(length(value)) FROM kv");
  bench_close(NULL, db);
}

static void large_devices(const char *folder) {
  int i;

  for (i = 0; i < LARGE_DEVICES; i++) {
    char *device = bench_path("device%d", i);
    sqlite3 *db = large_open(bench_path("%s-one", folder), device);

    large_set(db, i * 100, 100);
    bench_close(NULL, db);
    bench_mkdir(folder);
    bench_mkdir(bench_path("%s/devices", folder));
    bench_rename(bench_path("%s-one/devices/%s", folder, device),
                 bench_path("%s/devices/%s", folder, device));
  }
}

static void large_devices_merge(const char *folder) {
  sqlite3 *db = large_open(folder, "laptop");

  bench_expect(db, LARGE_DEVICES * 100, "SELECT count(*) FROM kv");
  bench_expect(db, LARGE_DEVICES,
               "SELECT count(*) FROM kv_devices"
               " WHERE state = 'ok' AND NOT is_self");
  bench_close(NULL, db);
}

static void large_try(const bench_options *options, const char *folder,
                      const large_step *step) {
  double start = bench_now(options);
  struct rusage usage;
  int status;
  pid_t child;

  fflush(NULL);
  child = fork();
  if (child == 0) {
    step->work(folder);
    _exit(0);
  }
  if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0) {
    bench_remove(options->dir);
    bench_die("%s failed", step->name);
  }
  printf("%-52s %8.1f s %8.0f MB\n", step->name, bench_now(options) - start,
         (double)usage.ru_maxrss * 1024 / 1e6);
  fflush(stdout);
}

static void large_try_all(const bench_options *options, const char *name,
                          const large_step *steps) {
  char *folder = bench_path("%s/%s", options->dir, name);

  for (; steps->name; steps++)
    large_try(options, folder, steps);
  bench_remove(folder);
  bench_remove(bench_path("%s-one", folder));
}

void bench_large(const bench_options *options) {
  static const large_step rows[] = {
    {"one transaction of a million rows", large_transaction},
    {"the same log opened; nine million more rows", large_log},
    {"a log of ten million rows merged into temp", large_merge},
    {"the same into a persistent cache", large_persistent},
    {0}};
  static const large_step values[] = {
    {"three values of 60 MB set", large_values},
    {"merged", large_values_merge},
    {0}};
  static const large_step devices[] = {
    {"a thousand devices of a hundred rows written", large_devices},
    {"merged", large_devices_merge},
    {0}};

  printf("\n%-52s %10s %11s\n", "", "time", "peak memory");
  large_try_all(options, "devices", devices);
  large_try_all(options, "values", values);
  large_try_all(options, "rows", rows);
}
