/*
** Groups of operations on folders: deletes that arrive, conflicts. See bench.h.
*/
#include <stddef.h>

#include "bench.h"

#define CONFLICTS 100
#define QUERIES 20

/* phone: a log of all keys; more.db: the same, and all keys deleted. */
static void prepare_arrive(bench_run *run) {
  char *log = bench_path("%s/source.kv/devices/phone/log.db", run->shared);
  char *phone = bench_path("%s/phone", run->shared);

  run->engine = BENCH_KV;
  run->db = bench_connect(":memory:");
  bench_exec(run->db, "SELECT kv_open('%q/source.kv', 'phone', 'segment=0')",
             run->shared);
  bench_fill(run, run->options->n_keys, 0);
  bench_mkdir(phone);
  bench_copy(log, bench_path("%s/log.db", phone));
  bench_drop(run, run->options->n_keys);
  bench_close(NULL, run->db);
  bench_rename(log, bench_path("%s/more.db", run->shared));
  bench_wait(run->options, 2.1);
}

static double arrive_time(bench_run *run, const char *sql) {
  double start = bench_now(run->options);

  bench_exec(run->db, "%s", sql);
  return 1e6 * (bench_now(run->options) - start) / run->options->n_keys;
}

static void measure_arrive(bench_run *run) {
  char *log = bench_path("%s/store.kv/devices/phone/log.db", run->dir);
  char *more = bench_path("%s/more.db", run->shared);
  char *before = bench_path("%s/before.db", run->shared);
  double sets;

  if (run->engine->extension >= 0) return;
  run->engine->create(run, BENCH_TEMP);
  run->engine->attach(run, run->shared);
  sets = bench_now(run->options);
  run->engine->merge(run);
  sets = 1e6 * (bench_now(run->options) - sets) / run->options->n_keys;
  if (run->engine == BENCH_KV) {
    bench_rename(log, before);
    bench_rename(more, log);
    run->figures[0] = arrive_time(run, "SELECT kv_sync()");
    run->figures[1] = run->figures[0] / sets;
    bench_expect(run->db, 0, "SELECT count(*) FROM kv");
    bench_rename(log, more);
    bench_rename(before, log);
    bench_rename(bench_path("%s/store.kv/devices/phone", run->dir),
                 bench_path("%s/phone", run->shared));
  } else {
    bench_exec(run->db, "DETACH source; ATTACH %Q AS source", more);
    run->figures[0] =
      arrive_time(run, run->engine == BENCH_PLAIN
                         ? "DELETE FROM plain WHERE key IN"
                           " (SELECT key FROM source.log WHERE op = 0)"
                         : "INSERT INTO log(device, ts, op, key, value)"
                           " SELECT 'phone', ts, op, key, value FROM source.log"
                           " WHERE op = 0 ORDER BY seq");
  }
  bench_close(NULL, run->db);
}

/*
** Many keys of the phone; then the phone and the tablet, which has none of them,
** set a hundred.
*/
static void prepare_conflicts(bench_run *run) {
  int i;

  run->engine = BENCH_KV;
  for (i = 0; i < 2; i++) {
    run->db = bench_connect(":memory:");
    bench_exec(run->db, "SELECT kv_open('%q/%d.kv', %Q)", run->shared, i,
               i ? "tablet" : "phone");
    if (i == 0) bench_fill(run, run->options->n_many, 0);
    bench_fill(run, CONFLICTS, 1 + i);
    bench_close(NULL, run->db);
  }
  bench_rename(bench_path("%s/1.kv/devices/tablet", run->shared),
               bench_path("%s/0.kv/devices/tablet", run->shared));
  bench_wait(run->options, 2.1);
}

static double conflicts_time(bench_run *run, const char *sql, int expected,
                             int n) {
  double start = bench_now(run->options);
  int i;

  for (i = 0; i < n; i++)
    bench_expect(run->db, expected, sql);
  return 1e3 * (bench_now(run->options) - start) / n;
}

static void measure_conflicts(bench_run *run) {
  static const char all[] = "SELECT count(*) FROM kv_conflicts";

  if (run->engine != BENCH_KV) return;
  run->db = bench_connect(":memory:");
  bench_exec(run->db, "SELECT kv_open('%q/0.kv', 'laptop')", run->shared);
  run->figures[0] = conflicts_time(run, all, CONFLICTS, 1);
  run->figures[1] = conflicts_time(run, all, CONFLICTS, QUERIES);
  run->figures[2] =
    conflicts_time(run,
                   "SELECT count(*) FROM kv_conflicts WHERE key = "
                   "'key 0000007'",
                   1, QUERIES);
  bench_close(NULL, run->db);
  bench_remove(bench_path("%s/0.kv/devices/laptop", run->shared));
}

const bench_group bench_arrive_groups[] = {
  {"arrive",
   prepare_arrive,
   measure_arrive,
   0,
   {{"merge deletes of all keys", "us/row", 1.5, 2.5, 0},
    {"the same, over merging the sets", "times", 1.5, 1.5, 1}}},
  {"conflicts",
   prepare_conflicts,
   measure_conflicts,
   0,
   {{"100 conflicts in ten times the keys", "ms", 10, 20, 1},
    {"the same again", "ms", 5, 20, 1},
    {"the conflict of one key", "ms", 1, 2, 1}}},
  {0}};
