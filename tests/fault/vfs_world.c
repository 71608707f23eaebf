/*
** The world that crashes. See vfs_world.h.
*/
#define _GNU_SOURCE
#include "vfs_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kv.h"
#include "support/connection.h"
#include "vfs_fault.h"
#include "vfs_image.h"

const world_host world_hosts[WORLD_HOSTS] = {
  {"temp cache, journal", 1, "PRAGMA journal_mode = delete", 0},
  {"temp cache, WAL", 1, "PRAGMA journal_mode = wal", 0},
  {"persistent cache, journal", 0, "PRAGMA journal_mode = delete", 1},
  {"persistent cache, WAL", 0, "PRAGMA journal_mode = wal", 0},
  {"persistent cache, WAL that is synced late", 0,
   "PRAGMA journal_mode = wal; PRAGMA synchronous = NORMAL", 1},
};

const scenario world_scenarios[WORLD_SCENARIOS] = {
  {"first open", "", "ot", 1, NULL, 0},
  {"set", "otps", "o11", 1, NULL, 0},
  {"transaction", "ot", "oTt", 1, NULL, 0},
  {"publish", "otww", "ost", 0, NULL, 0},
  {"sync", "otpPp", "osts", 1, NULL, 0},
  {"close", "otp", "o1tcx", 1, NULL, 0},
  {"rewrite a damaged log", "ottd", "ost", 1, NULL, 0},
  {"rewrite a log that lost rows", "otrtR", "ost", 0, NULL, 0},
  {"write after a log lost rows", "otrttR", "ots", 0, NULL, 0},
  {"read a log that was started over", "otpPsf", "ost", 1, NULL, 0},
  {"adopt a log that differs", "ottC", "oast", 0, "oas", 0},
  {"seal a log", "ot", "oS1s", 1, "oSs", 0},
  {"publish what was put off", "ol1tx", "olTts", 0, "os", 0},
  {"seal what was put off", "oL1ts1", "oLTtsx", 0, "os", 0},
  {"seal a log again", "otS11", "oSTs", 1, "os", 0},
  {"compact", "ot1Tt", "okts", 1, NULL, 0},
  {"compact sealed files", "otTSt1t", "okST", 1, "os", 0},
  {"compact again", "ottkTt", "okt", 1, "oks", 0},
  {"compact by a sync", "otz1Tt", "ohtet", 1, "os", 0},
  {"retire", "otps", "oQts", 1, "oQs", 0},
  {"return from retirement", "otpsq", "otst", 1, "os", 0},
  {"compact after a return", "otpsQp", "oskt", 1, "oks", 0},
  {"typed rows", "otp", "oTst", 1, NULL, 1},
  {"a typed table", "otpsD", "oKAst", 0, "oKs", 1},
};

static int world_say(world *w, const char *format, ...) {
  va_list ap;

  va_start(ap, format);
  sqlite3_vsnprintf(sizeof(w->why), w->why, format, ap);
  va_end(ap);
  return 1;
}

static const char *world_path(const world *w, const char *name) {
  static char paths[4][500];
  static int next;

  next = (next + 1) % 4;
  snprintf(paths[next], sizeof(paths[next]), "%s/%s", w->folder, name);
  return paths[next];
}

#define LAPTOP "notes.kv/devices/laptop/log.db"
#define PHONE "notes.kv/devices/phone/log.db"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SLOWNESS 6
#else
#define SLOWNESS 1
#endif

int world_every(int otherwise) {
  const char *step = getenv("KV_FAULT_STEP");

  return step && atoi(step) > 0 ? atoi(step) : otherwise * SLOWNESS;
}

int world_is_chosen(const world_host *host, const scenario *what) {
  const char *name = getenv("KV_FAULT_SCENARIO");

  return (!host->is_temp || what->is_for_temp) &&
         (!name || strstr(what->name, name));
}

void world_begin(world *w) {
  memset(w, 0, sizeof(*w));
  w->folder = image_make_folder();
  w->tally = mmap(NULL, sizeof(*w->tally), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

void world_end(world *w) {
  world_close(w);
  image_remove(w->folder, 1);
  free(w->folder);
  munmap(w->tally, sizeof(*w->tally));
}

static int world_try(world *w, sqlite3 *db, const char *text) {
  int rc = test_try(db, "%s", text);

  if (rc != SQLITE_OK) {
    world_say(w, "%s (%d) from %.200s", sqlite3_errmsg(db), rc, text);
  }
  return rc;
}

static int world_connect(world *w, const char *file, sqlite3 **out) {
  int rc = sqlite3_open(file, out);

  if (rc == SQLITE_OK) {
    sqlite3_extended_result_codes(*out, 1);
    rc = sqlite3_kv_init(*out, NULL, NULL);
  }
  if (rc != SQLITE_OK) {
    world_say(w, "cannot open %s: %s", file, sqlite3_errmsg(*out));
    sqlite3_close(*out);
    *out = NULL;
  }
  return rc;
}

int world_is_cut(const world *w) {
  return access(world_path(w, LAPTOP "-journal"), F_OK) == 0;
}

void world_close(world *w) {
  sqlite3_close(w->db);
  w->db = NULL;
}

static int world_try_open(world *w, const char *options) {
  char sql[1000];

  sqlite3_snprintf(sizeof(sql), sql,
                   "SELECT kv_open('%q/notes.kv', 'laptop', %Q)", w->folder,
                   options);
  return world_try(w, w->db, sql);
}

/* The table shows what the logs have: its rows go and come as a part of others. */
#define DECLARED                                                               \
  "id TEXT PRIMARY KEY, name TEXT, n INTEGER NOT NULL DEFAULT 0, CHECK(n < "   \
  "900), INDEX(name), MERGE(n counter)"

static int world_declare(world *w, sqlite3 *db, const char *schema) {
  char sql[1000];

  sqlite3_snprintf(sizeof(sql), sql,
                   "CREATE VIRTUAL TABLE IF NOT EXISTS %s.items USING "
                   "kv_table(" DECLARED ")",
                   schema);
  return world_try(w, db, sql);
}

static int world_open(world *w) {
  int rc = SQLITE_OK;

  if (!w->db) {
    w->puts_off = 0;
    rc = world_connect(w, world_path(w, "host.db"), &w->db);
  }
  if (rc == SQLITE_OK) rc = world_try(w, w->db, w->host->settings);
  if (rc == SQLITE_OK) {
    rc = world_try(w, w->db, "CREATE TABLE IF NOT EXISTS own(i)");
  }
  if (rc != SQLITE_OK) return rc;
  if (w->host->is_temp) {
    rc = world_try_open(w, "");
  } else {
    rc = world_try(w, w->db,
                   "CREATE VIRTUAL TABLE IF NOT EXISTS kv "
                   "USING kv('notes.kv', device='laptop')");
  }
  if (rc != SQLITE_OK || !w->tally->is_typed) return rc;
  return world_declare(w, w->db, w->host->is_temp ? "temp" : "main");
}

/*
** What a transaction does with typed rows: one is its own, one counts the
** transactions, and two come and go.
*/
static const char world_items[] =
  "INSERT INTO items(id, name) VALUES('i%d', hex(zeroblob(500)));"
  "INSERT OR IGNORE INTO items(id) VALUES('shared'), ('back'), ('gone');"
  "UPDATE items SET n = n + 1, name = 'of %d' WHERE id IN ('shared', 'back');"
  "SELECT kv_revert('back', NULL, 'items'), kv_delete('gone', 'items');";

static int world_put(world *w, char shape) {
  int i = ++w->tally->last;
  char sql[2000];
  char *end;
  int rc;

  w->tally->txn[i].state = WORLD_BEGUN;
  w->tally->txn[i].is_single = shape == '1';
  sqlite3_snprintf(
    sizeof(sql), sql,
    shape == '1' ? "INSERT INTO kv VALUES('a%d', %d);"
    : shape == 'T'
      ? "BEGIN; INSERT INTO kv VALUES('a%d', %d); SAVEPOINT s;"
        "INSERT INTO kv VALUES('b%d', 'wrong'), ('wrong', 1);"
        "ROLLBACK TO s; INSERT INTO own VALUES(%d);"
        "INSERT INTO kv VALUES('b%d', 'v%d-' || hex(zeroblob(9000))),"
        "('last', %d);"
      : "BEGIN; INSERT INTO kv VALUES('a%d', %d);"
        "INSERT INTO kv VALUES('last', %d); INSERT INTO own VALUES(%d);"
        "INSERT INTO kv VALUES('b%d', 'v%d-' || hex(zeroblob(40)));",
    i, i, i, i, i, i, i);
  if (shape != '1' && w->tally->is_typed) {
    end = sql + strlen(sql);
    sqlite3_snprintf((int)(sql + sizeof(sql) - end), end, world_items, i, i);
  }
  end = sql + strlen(sql);
  sqlite3_snprintf((int)(sql + sizeof(sql) - end), end, "%s",
                   shape == '1' ? "" : "COMMIT");
  rc = world_try(w, w->db, sql);
  w->tally->txn[i].state = rc != SQLITE_OK ? WORLD_FAILED
                           : w->puts_off && w->host->is_late
                             ? WORLD_WAITING
                             : WORLD_ACKNOWLEDGED;
  return rc;
}

/* What waited is on the disk, now, unless a loss of power took it before. */
static void world_arrived(world *w) {
  int i;

  for (i = 1; i <= w->tally->last && !w->lost_power; i++) {
    if (w->tally->txn[i].state == WORLD_WAITING) {
      w->tally->txn[i].state = WORLD_ACKNOWLEDGED;
    }
  }
}

static int world_publish(world *w, const char *text) {
  int rc = world_try(w, w->db, text);

  if (rc == SQLITE_OK) world_arrived(w);
  return rc;
}

static int world_put_off(world *w, const char *options) {
  w->puts_off = 1;
  return world_try_open(w, options);
}

static int world_compact(world *w) {
  int rc;

  w->tally->compacted = w->tally->last;
  w->tally->is_compacted = 0;
  rc = world_try(w, w->db, "SELECT kv_compact('2255-01-01')");
  w->tally->is_compacted = rc == SQLITE_OK;
  return rc;
}

/* What was written up to now is far behind. */
static int world_expire(world *w) {
  w->tally->compacted = w->tally->last;
  w->tally->is_compacted = 0;
  return world_try_open(w, "history=1 day, now=2255-01-01");
}

/* A kv_sync() that compacts, unless something made it put that off. */
static int world_sync_expired(world *w) {
  char *is_done;
  int rc = world_publish(w, "SELECT kv_sync()");

  if (rc != SQLITE_OK) return rc;
  is_done = test_ask(
    w->db, "SELECT horizon_time IS NOT NULL FROM kv_devices WHERE is_self");
  w->tally->is_compacted = strcmp(is_done, "1\n") == 0;
  sqlite3_free(is_done);
  if (w->tally->is_compacted || fault_failed() > 0) return SQLITE_OK;
  world_say(w, "kv_sync() did not compact");
  return SQLITE_ERROR;
}

static int world_retire(world *w) {
  int rc = world_try(w, w->db, "SELECT kv_retire('phone')");

  w->tally->is_retired = rc == SQLITE_OK;
  return rc;
}

static int world_put_away(world *w) {
  char away[500];
  int rc;

  snprintf(away, sizeof(away), "%s", world_path(w, "away"));
  rename(world_path(w, "notes.kv"), away);
  rc = world_put(w, 't');
  rename(away, world_path(w, "notes.kv"));
  return rc;
}

/* The phone has a temp cache and comes and goes. */
static int world_phone(world *w, char step) {
  static int n;
  sqlite3 *db = NULL;
  char sql[1000];
  int rc = world_connect(w, ":memory:", &db);

  n++;
  sqlite3_snprintf(sizeof(sql), sql, "SELECT kv_open('%q/notes.kv', 'phone')",
                   w->folder);
  if (rc == SQLITE_OK) rc = world_try(w, db, sql);
  sqlite3_snprintf(sizeof(sql), sql,
                   "INSERT INTO kv VALUES('p%d', %d), ('phone', %d)", n, n, n);
  if (rc == SQLITE_OK && step != 'P' && step != 'q') rc = world_try(w, db, sql);
  if (rc == SQLITE_OK && w->tally->is_typed) {
    rc = world_declare(w, db, "temp");
    if (rc == SQLITE_OK) {
      rc = world_try(w, db,
                     "UPDATE items SET n = n + 100, name = 'phone' "
                     "WHERE id = 'shared';"
                     "INSERT INTO items(id, name) VALUES('phone', 'x')");
    }
  }
  if (rc == SQLITE_OK && step == 'P') {
    rc = world_try(w, db, "INSERT INTO kv VALUES('p', 1); SELECT kv_sync()");
  }
  if (rc == SQLITE_OK && step == 'q') {
    rc = world_try(w, db, "SELECT kv_retire('laptop')");
  }
  sqlite3_close(db);
  return rc;
}

/* Another laptop, with a temp cache, sets one key in its own log. */
static int world_put_other(world *w) {
  sqlite3 *db = w->db;
  int rc;

  unlink(world_path(w, LAPTOP));
  w->db = NULL;
  rc = world_connect(w, ":memory:", &w->db);
  if (rc == SQLITE_OK) rc = world_try_open(w, "");
  if (rc == SQLITE_OK) rc = world_put(w, '1');
  world_close(w);
  w->db = db;
  return rc;
}

static int world_copy_log(world *w, const char *from, const char *to) {
  FILE *f = fopen(world_path(w, from), "rb");
  char bytes[100000];
  size_t n = f ? fread(bytes, 1, sizeof(bytes), f) : 0;

  if (f) fclose(f);
  image_write(world_path(w, to), bytes, n);
  return n ? SQLITE_OK : SQLITE_ERROR;
}

/* Change the sum of the last row, which is stored after its value. */
static int world_damage(world *w) {
  FILE *f = fopen(world_path(w, LAPTOP), "rb");
  char bytes[100000];
  size_t n = f ? fread(bytes, 1, sizeof(bytes), f) : 0;
  char mark[20];
  char *at;

  if (f) fclose(f);
  snprintf(mark, sizeof(mark), "v%d-", w->tally->last);
  at = memmem(bytes, n, mark, strlen(mark));
  if (!at) return SQLITE_ERROR;
  at[strlen(mark) + 80 + 7] ^= 1;
  image_write(world_path(w, LAPTOP), bytes, n);
  if (w->host->is_temp) w->tally->txn[w->tally->last].state = WORLD_DAMAGED;
  return SQLITE_OK;
}

int world_step(world *w, char step) {
  int rc = SQLITE_OK;

  switch (step) {
    case 'o': rc = world_open(w); break;
    case '1':
    case 't':
    case 'T': rc = world_put(w, step); break;
    case 's': rc = world_publish(w, "SELECT kv_sync()"); break;
    case 'c': rc = world_publish(w, "SELECT kv_close()"); break;
    case 'a': rc = world_try_open(w, "adopt=1"); break;
    case 'k': rc = world_compact(w); break;
    case 'h': rc = world_expire(w); break;
    case 'e': rc = world_sync_expired(w); break;
    case 'Q': rc = world_retire(w); break;
    case 'z':
      rc = world_try(w, w->db,
                     "INSERT INTO kv VALUES('pad', zeroblob(9000));"
                     "INSERT INTO kv VALUES('pad', zeroblob(9001));"
                     "INSERT INTO kv VALUES('pad', zeroblob(9003));"
                     "INSERT INTO kv VALUES('pad', zeroblob(9002))");
      break;
    case 'A':
      rc = world_try(w, w->db,
                     "SELECT kv_alter('items', 'DECLARE (" DECLARED
                     ", note TEXT)')");
      break;
    case 'K': rc = world_try(w, w->db, "SELECT kv_check('items')"); break;
    case 'D':
      rc = world_try(w, w->db,
                     "UPDATE items_data SET n = 5; DELETE FROM items_data "
                     "WHERE id = 'phone'; INSERT INTO items_data(id, n) "
                     "VALUES('never', 1)");
      break;
    case 'l': rc = world_put_off(w, "publish=sync"); break;
    case 'L': rc = world_put_off(w, "publish=sync, segment=1"); break;
    case 'S': rc = world_try_open(w, "segment=1"); break;
    case 'x': world_close(w); break;
    case 'w': rc = world_put_away(w); break;
    case 'f':
      unlink(world_path(w, PHONE));
      rc = world_phone(w, step);
      break;
    case 'p':
      rc = world_phone(w, step);
      w->tally->is_retired = 0;
      break;
    case 'P':
    case 'q': rc = world_phone(w, step); break;
    case 'C': rc = world_put_other(w); break;
    case 'd': rc = world_damage(w); break;
    case 'r': rc = world_copy_log(w, LAPTOP, "copy"); break;
    case 'R': rc = world_copy_log(w, "copy", LAPTOP); break;
    default: rc = world_say(w, "no step '%c'", step); break;
  }
  if (rc != SQLITE_OK && w->db && !sqlite3_get_autocommit(w->db)) {
    test_try(w->db, "ROLLBACK");
  }
  return rc;
}

int world_run(world *w, const char *steps) {
  int rc = SQLITE_OK;

  for (; *steps && rc == SQLITE_OK; steps++)
    rc = world_step(w, *steps);
  return rc;
}

void world_prepare(world *w, const world_host *host, const scenario *what) {
  world_close(w);
  image_remove(w->folder, 0);
  memset(w->tally, 0, sizeof(*w->tally));
  w->host = host;
  w->tally->is_typed = what->is_typed;
  w->recover = what->recover ? what->recover : "os";
  if (world_run(w, what->before) != SQLITE_OK) {
    fprintf(stderr, "%s, %s: %s\n", host->name, what->name, w->why);
    _exit(3);
  }
  world_close(w);
  world_arrived(w);
}
