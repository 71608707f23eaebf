/*
** What is compared. See bench.h, and README.md for why it is fair.
**
**   kv      the store, with the cache that the options say
**   plain   CREATE TABLE plain(key PRIMARY KEY, value) WITHOUT ROWID
**   hand    what you would write instead: a table of all changes, and one of
**           the latest, kept by a trigger with an upsert
**   peers   a table of cr-sqlite's or of sqlite-sync's, if there is one
**
** Plain and hand-written tables merge from kv's own log, which any SQLite can
** read. The peers merge from a database that they wrote themselves: cr-sqlite
** from its changes, row by row; sqlite-sync from a payload that was made of
** them before.
*/
#include "bench.h"

#include <stdlib.h>
#include <string.h>

static void engine_connect(bench_run *run, bench_place place) {
  int is_temp = place == BENCH_TEMP && !run->options->is_persistent;

  run->db =
    bench_connect(is_temp ? ":memory:" : bench_path("%s/host.db", run->dir));
  if (run->options->is_memory) {
    bench_exec(run->db, "PRAGMA temp_store = MEMORY");
  }
}

/* "TEMP" if the table of an engine should be temporary. */
static const char *engine_temp(const bench_run *run, bench_place place) {
  return place == BENCH_TEMP && !run->options->is_persistent ? "TEMP" : "";
}

static void kv_create(bench_run *run, bench_place place) {
  char *folder = bench_path("%s/store.kv", run->dir);

  (void)place;
  engine_connect(run, BENCH_TEMP);
  if (run->options->is_persistent) {
    bench_exec(run->db, "CREATE VIRTUAL TABLE kv USING kv(%Q, device='laptop')",
               folder);
    bench_exec(run->db, "SELECT kv_sync()");
  } else {
    bench_exec(run->db, "SELECT kv_open(%Q, 'laptop')", folder);
  }
}

static void kv_make_source(bench_run *run, const char *dir, int n_keys) {
  run->db = bench_connect(":memory:");
  bench_exec(run->db, "SELECT kv_open('%q/source.kv', 'phone', 'segment=0')",
             dir);
  bench_fill(run, n_keys, 0);
  bench_close(NULL, run->db);
  bench_rename(bench_path("%s/source.kv/devices/phone", dir),
               bench_path("%s/phone", dir));
}

/* Moves its folder into the store; closing moves it back. */
static void kv_attach(bench_run *run, const char *dir) {
  bench_rename(bench_path("%s/phone", dir),
               bench_path("%s/store.kv/devices/phone", run->dir));
}

static void kv_merge(bench_run *run) {
  bench_exec(run->db, "SELECT kv_sync()");
}

static void plain_create(bench_run *run, bench_place place) {
  engine_connect(run, place);
  bench_exec(run->db,
             "CREATE %s TABLE plain(key PRIMARY KEY, value) WITHOUT ROWID",
             engine_temp(run, place));
}

static void log_attach(bench_run *run, const char *dir) {
  bench_exec(run->db, "ATTACH '%q/phone/log.db' AS source", dir);
}

static void plain_merge(bench_run *run) {
  bench_exec(
    run->db,
    "INSERT INTO plain SELECT key, value FROM source.log ORDER BY seq");
}

static void hand_create(bench_run *run, bench_place place) {
  const char *temp = engine_temp(run, place);

  engine_connect(run, place);
  bench_exec(
    run->db,
    "CREATE %s TABLE log(seq INTEGER PRIMARY KEY, device TEXT, ts INTEGER,"
    "  op INTEGER, key, value);"
    "CREATE %s TABLE latest(key PRIMARY KEY, ts INTEGER, device TEXT,"
    "  op INTEGER, value) WITHOUT ROWID;"
    "CREATE %s TRIGGER log_latest AFTER INSERT ON log BEGIN"
    "  INSERT INTO latest"
    "  VALUES(new.key, new.ts, new.device, new.op, new.value)"
    "  ON CONFLICT(key) DO UPDATE SET ts = excluded.ts,"
    "    device = excluded.device, op = excluded.op, value = excluded.value"
    "  WHERE (excluded.ts, excluded.device) >= (ts, device);"
    "END",
    temp, temp, temp);
}

static void hand_merge(bench_run *run) {
  bench_exec(run->db, "INSERT INTO log(device, ts, op, key, value)"
                      " SELECT 'phone', ts, op, key, value FROM source.log"
                      " ORDER BY seq");
}

/* Their tables cannot be temporary, so use a database without a name. */
static void peer_create(bench_run *run, bench_place place) {
  int is_temp = place == BENCH_TEMP && !run->options->is_persistent;

  run->db = bench_connect(is_temp ? "" : bench_path("%s/host.db", run->dir));
  bench_load(run->db, run->options->extension[run->engine->extension]);
  bench_exec(run->db,
             "CREATE TABLE peer(key TEXT PRIMARY KEY NOT NULL, value TEXT)");
  bench_exec(run->db, run->engine->make_own, "peer");
}

void bench_pack(sqlite3 *db) {
  if (!bench_has_table(db, "cloudsync_changes")) return;
  bench_exec(db, "CREATE TABLE payload AS"
                 " SELECT cloudsync_payload_encode(tbl, pk, col_name,"
                 "  col_value, col_version, db_version, site_id, cl, seq)"
                 "  AS payload FROM cloudsync_changes");
}

/* A database that the engine itself wrote, to merge from. */
static char *peer_source(const bench_run *run, const char *dir) {
  return bench_path("%s/%s/host.db", dir, run->engine->name);
}

static void peer_make_source(bench_run *run, const char *dir, int n_keys) {
  char *folder = bench_path("%s/%s", dir, run->engine->name);

  bench_mkdir(folder);
  run->dir = folder;
  run->engine->create(run, BENCH_FILE);
  bench_fill(run, n_keys, 0);
  bench_pack(run->db);
  bench_close(NULL, run->db);
}

static void crsqlite_attach(bench_run *run, const char *dir) {
  run->shared = dir;
}

/* Changes go from one connection into another, row by row. */
static void crsqlite_merge(bench_run *run) {
  sqlite3 *from = bench_connect(peer_source(run, run->shared));
  sqlite3_stmt *read;
  sqlite3_stmt *write;
  sqlite3_str *text = sqlite3_str_new(run->db);
  char *sql;
  int n;
  int i;

  bench_load(from, run->options->extension[run->engine->extension]);
  read = bench_prepare(from, "SELECT * FROM crsql_changes");
  n = sqlite3_column_count(read);
  sqlite3_str_appendall(text, "INSERT INTO crsql_changes(");
  for (i = 0; i < n; i++) {
    sqlite3_str_appendf(text, "%s\"%w\"", i ? "," : "",
                        sqlite3_column_name(read, i));
  }
  sqlite3_str_appendall(text, ") VALUES(?1");
  for (i = 2; i <= n; i++)
    sqlite3_str_appendf(text, ",?%d", i);
  sqlite3_str_appendall(text, ")");
  sql = sqlite3_str_finish(text);
  write = bench_prepare(run->db, "%s", sql);
  sqlite3_free(sql);
  bench_exec(run->db, "BEGIN");
  while (sqlite3_step(read) == SQLITE_ROW) {
    for (i = 0; i < n; i++) {
      sqlite3_bind_value(write, i + 1, sqlite3_column_value(read, i));
    }
    bench_step(write);
  }
  bench_exec(run->db, "COMMIT");
  sqlite3_finalize(write);
  sqlite3_finalize(read);
  bench_close(NULL, from);
}

static void sync_attach(bench_run *run, const char *dir) {
  bench_exec(run->db, "ATTACH %Q AS source", peer_source(run, dir));
}

static void sync_merge(bench_run *run) {
  bench_exec(run->db, "BEGIN;"
                      "SELECT cloudsync_payload_apply(payload)"
                      " FROM source.payload;"
                      "COMMIT");
}

#define PEER_STATEMENTS                                                        \
  "INSERT INTO peer VALUES(?1, ?2) ON CONFLICT(key)"                           \
  " DO UPDATE SET value = excluded.value",                                     \
    "DELETE FROM peer WHERE key = ?1",                                         \
    "SELECT value FROM peer WHERE key = ?1", NULL,                             \
    "SELECT key, value FROM peer",                                             \
    "SELECT key, value FROM peer WHERE key BETWEEN ?1 AND ?2"

/* Microseconds since 1970. */
#define HAND_NOW "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"

const bench_engine bench_engines[] = {
  {"kv", -1, NULL, kv_create, kv_make_source, kv_attach, kv_merge,
   "INSERT INTO kv VALUES(?1, ?2)", "DELETE FROM kv WHERE key = ?1",
   "SELECT value FROM kv WHERE key = ?1", "SELECT kv_get(?1)",
   "SELECT key, value FROM kv",
   "SELECT key, value FROM kv WHERE key BETWEEN ?1 AND ?2"},
  {"plain", -1, NULL, plain_create, NULL, log_attach, plain_merge,
   "INSERT OR REPLACE INTO plain VALUES(?1, ?2)",
   "DELETE FROM plain WHERE key = ?1", "SELECT value FROM plain WHERE key = ?1",
   NULL, "SELECT key, value FROM plain",
   "SELECT key, value FROM plain WHERE key BETWEEN ?1 AND ?2"},
  {"hand", -1, NULL, hand_create, NULL, log_attach, hand_merge,
   "INSERT INTO log(device, ts, op, key, value)"
   " VALUES('laptop', " HAND_NOW ", 1, ?1, ?2)",
   "INSERT INTO log(device, ts, op, key, value)"
   " VALUES('laptop', " HAND_NOW ", 0, ?1, NULL)",
   "SELECT value FROM latest WHERE key = ?1 AND op = 1", NULL,
   "SELECT key, value FROM latest WHERE op = 1",
   "SELECT key, value FROM latest WHERE key BETWEEN ?1 AND ?2 AND op = 1"},
  {"crsqlite", 0, "SELECT crsql_as_crr(%Q)", peer_create, peer_make_source,
   crsqlite_attach, crsqlite_merge, PEER_STATEMENTS},
  {"sync", 1, "SELECT cloudsync_init(%Q, 'cls', 1)", peer_create,
   peer_make_source, sync_attach, sync_merge, PEER_STATEMENTS},
};

const int bench_n_engines =
  (int)(sizeof(bench_engines) / sizeof(bench_engines[0]));

int bench_is_given(const bench_options *options, const bench_engine *engine) {
  return engine->extension < 0 || options->extension[engine->extension];
}
