/*
** Is the world intact after a fault? See world_check() in vfs_world.h.
**
** The log is read with stock SQLite; the laptop and an observer must show its
** rows.
*/
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kv.h"
#include "support/connection.h"
#include "vfs_image.h"
#include "vfs_world.h"

/* What exists of one transaction. */
typedef struct found {
  int n_log;
  int n_txn;
  int n_kv;
  int n_right; /* of those in kv */
  int n_own;
} found;

static int check_say(world *w, const char *format, ...) {
  va_list ap;

  va_start(ap, format);
  sqlite3_vsnprintf(sizeof(w->why), w->why, format, ap);
  va_end(ap);
  return 1;
}

/* For each row (i, integer): add it up. */
static int check_count(world *w, sqlite3 *db, const char *sql, found *out,
                       int column) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

  while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    int i = sqlite3_column_int(stmt, 0);
    int n = sqlite3_column_int(stmt, 1);

    rc = SQLITE_OK;
    if (i < 1 || i > WORLD_MOST) {
      sqlite3_finalize(stmt);
      return check_say(w, "a transaction %d that never was: %s", i, sql);
    }
    switch (column) {
      case 0:
        out[i].n_log = n;
        out[i].n_txn = sqlite3_column_int(stmt, 2);
        break;
      case 1:
        out[i].n_kv++;
        out[i].n_right += n;
        break;
      default: out[i].n_own++; break;
    }
  }
  sqlite3_finalize(stmt);
  return rc == SQLITE_DONE ? 0
                           : check_say(w, "%s: %s", sqlite3_errmsg(db), sql);
}

/* Assert the single value of a query. */
static int check_is(world *w, sqlite3 *db, const char *expected,
                    const char *sql) {
  char *rows = test_ask(db, "%s", sql);
  int is_wrong;

  rows[strcspn(rows, "\n")] = '\0';
  is_wrong = strcmp(rows, expected) != 0;
  if (is_wrong) check_say(w, "%.300s, not %.300s: %s", rows, expected, sql);
  sqlite3_free(rows);
  return is_wrong;
}

/* Put the rows of the sealed files beside those of log.db, in a view log. */
static int check_attach(world *w, sqlite3 *db) {
  char *view =
    sqlite3_mprintf("CREATE TEMP VIEW log AS SELECT * FROM main.log");
  char path[500];
  struct dirent *entry;
  int is_wrong = 0;
  int n = 0;
  DIR *dir;

  snprintf(path, sizeof(path), "%s/notes.kv/devices/laptop", w->folder);
  dir = opendir(path);
  while (dir && (entry = readdir(dir)) != NULL) {
    char *sql;

    if (strncmp(entry->d_name, "log-", 4) != 0) continue;
    sql = sqlite3_mprintf("ATTACH '%q/%q' AS f%d", path, entry->d_name, ++n);
    is_wrong |= check_is(w, db, "", sql);
    sqlite3_free(sql);
    view = sqlite3_mprintf("%z UNION SELECT * FROM f%d.log", view, n);
  }
  if (dir) closedir(dir);
  is_wrong |= check_is(w, db, "", view);
  sqlite3_free(view);
  return is_wrong;
}

static int check_log(world *w, found *out, int *n_rows) {
  char path[500];
  sqlite3 *db = NULL;
  sqlite3_stmt *stmt = NULL;
  int is_wrong;

  snprintf(path, sizeof(path), "%s/notes.kv/devices/laptop/log.db", w->folder);
  if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
    sqlite3_close(db);
    return check_say(w, "the log cannot be opened");
  }
  is_wrong =
    check_attach(w, db) || check_is(w, db, "ok", "PRAGMA integrity_check") ||
    check_is(w, db, "delete", "PRAGMA journal_mode") ||
    (!w->tally->compacted &&
     check_is(w, db, "1",
              "SELECT count(*) = ifnull(max(seq), 0) AND "
              "ifnull(min(seq), 1) = 1 FROM log")) ||
    check_is(w, db, "1", "SELECT count(*) = count(DISTINCT seq) FROM log") ||
    check_is(w, db, "0", "SELECT count(*) FROM log WHERE key = 'wrong'") ||
    check_count(w, db,
                "SELECT CASE key WHEN 'last' THEN value ELSE "
                "CAST(substr(key, 2) AS INTEGER) END AS i, count(*), "
                "count(DISTINCT txn) FROM log WHERE op = 1 AND "
                "bucket = '' AND key NOT IN ('after', 'pad') GROUP BY i",
                out, 0);
  if (sqlite3_prepare_v2(db, "SELECT count(*) FROM log WHERE op < 2", -1, &stmt,
                         NULL) == SQLITE_OK &&
      sqlite3_step(stmt) == SQLITE_ROW) {
    *n_rows = sqlite3_column_int(stmt, 0);
  }
  sqlite3_finalize(stmt);
  sqlite3_close(db);
  return is_wrong;
}

/*
** May a row of transaction i have gone? `met` is the last that overwrote it and that
** a compaction met.
*/
static int check_may_go(const world *w, int i, int met) {
  return i < met && !w->tally->txn[i].is_single;
}

/* And must it have gone? */
static int check_must_go(const world *w, int i, int met) {
  return w->tally->is_compacted && check_may_go(w, i, met);
}

/*
** Compare what exists of transaction i with what was promised. `met` is the last that
** overwrote what the others wrote and that a compaction met.
*/
static int check_transaction(world *w, int i, const found *f, int met) {
  world_state state = w->tally->txn[i].state;
  int is_single = w->tally->txn[i].is_single;
  int n_rows = is_single ? 1 : 3;
  int n_keys = is_single ? 1 : 2;
  int is_in = f->n_log > 0;

  if (state == WORLD_WAITING && !w->lost_power) state = WORLD_ACKNOWLEDGED;
  if (state == WORLD_NONE && (is_in || f->n_own)) {
    return check_say(w, "transaction %d was never begun", i);
  }
  if (state == WORLD_ACKNOWLEDGED && !is_in) {
    return check_say(w, "transaction %d was acknowledged, and is lost%s", i,
                     f->n_own ? " (the host has it)" : "");
  }
  if (state == WORLD_FAILED && (is_in || f->n_own)) {
    return check_say(w, "transaction %d failed, and is there:%s%s", i,
                     is_in ? " in the log" : "",
                     f->n_own ? " in the host" : "");
  }
  if (is_in && check_may_go(w, i, met) &&
      (f->n_log == n_rows - 1 || check_must_go(w, i, met))) {
    n_rows--;
  }
  if (is_in && (f->n_log != n_rows || f->n_txn != 1)) {
    return check_say(w, "transaction %d: %d rows in %d transactions of the log",
                     i, f->n_log, f->n_txn);
  }
  if (f->n_kv != (is_in ? n_keys : 0) || f->n_right != f->n_kv) {
    return check_say(w, "transaction %d: %d keys in kv, %d of them right", i,
                     f->n_kv, f->n_right);
  }
  if (is_single || state == WORLD_DAMAGED) return 0;
  if (f->n_own > 1 || (is_in && !f->n_own && !w->lost_power)) {
    return check_say(w, "transaction %d: %d rows of the host's own", i,
                     f->n_own);
  }
  if (f->n_own && !is_in && !w->host->is_temp) {
    return check_say(w, "transaction %d: the host's own row alone", i);
  }
  return 0;
}

static int check_transactions(world *w, int *n_rows) {
  found all[WORLD_MOST + 1];
  char last[20];
  int newest = 0;
  int met = 0;
  int i;

  memset(all, 0, sizeof(all));
  if (check_log(w, all, n_rows) ||
      check_count(w, w->db,
                  "SELECT CAST(substr(key, 2) AS INTEGER), CASE "
                  "substr(key, 1, 1) WHEN 'a' THEN value = substr(key, 2) + 0 "
                  "ELSE value GLOB 'v' || substr(key, 2) || '-0*' AND "
                  "length(value) > 80 END FROM kv WHERE "
                  "key GLOB '[ab][0-9]*'",
                  all, 1) ||
      check_count(w, w->db, "SELECT i, 1 FROM own", all, 2)) {
    return 1;
  }
  for (i = 1; i <= WORLD_MOST; i++) {
    if (all[i].n_log > 1) newest = i;
    if (i <= w->tally->compacted) met = newest;
  }
  for (i = 1; i <= WORLD_MOST; i++) {
    if (check_transaction(w, i, &all[i], met)) return 1;
  }
  sqlite3_snprintf(sizeof(last), last, newest ? "%d" : "", newest);
  return check_is(w, w->db, last, "SELECT kv_get('last')");
}

int world_check_waiting(world *w) {
  found all[WORLD_MOST + 1];
  char n[20];
  int n_rows = 0;

  memset(all, 0, sizeof(all));
  if (check_log(w, all, &n_rows)) return 1;
  sqlite3_snprintf(sizeof(n), n, "%d", n_rows);
  return check_is(w, w->db, n,
                  "SELECT count(*) - (SELECT unpublished FROM kv_devices "
                  "WHERE is_self) FROM kv_log WHERE device = 'laptop'");
}

/* The own log as the extension sees it. */
static int check_store(world *w, int n_rows) {
  char sql[1000];
  char n[20];

  sqlite3_snprintf(sizeof(n), n, "%d", n_rows);
  sqlite3_snprintf(sizeof(sql), sql,
                   "SELECT count(*) - sum(valid) FROM "
                   "kv_foreign('%q/notes.kv/devices/laptop')",
                   w->folder);
  return check_is(w, w->db, n_rows ? "0" : "", sql) ||
         check_is(w, w->db, n,
                  "SELECT count(*) FROM kv_log WHERE device = 'laptop'") ||
         check_is(w, w->db, "ok||0",
                  "SELECT state, detail, unpublished FROM kv_devices "
                  "WHERE is_self") ||
         check_is(w, w->db, "",
                  "SELECT file FROM kv_devices WHERE device IS NULL AND "
                  "file NOT GLOB '*.aside-*'");
}

/* The rows of a typed table are those of the transactions that kv shows. */
static int check_items(world *w) {
  if (!w->tally->is_typed) return 0;
  return check_is(w, w->db, "0", "SELECT kv_check('items')") ||
         check_is(w, w->db, "1",
                  "SELECT (SELECT group_concat(substr(id, 2)) FROM (SELECT id "
                  "FROM items WHERE id GLOB 'i[0-9]*' ORDER BY id)) IS (SELECT "
                  "group_concat(substr(key, 2)) FROM (SELECT key FROM kv WHERE "
                  "key GLOB 'b[0-9]*' ORDER BY key))") ||
         check_is(
           w, w->db, "1",
           "SELECT ifnull((SELECT n % 100 FROM items WHERE id = "
           "'shared'), 0) = count(*) FROM items WHERE id GLOB 'i[0-9]*'") ||
         check_is(w, w->db, "0",
                  "SELECT count(*) FROM items WHERE id IN ('back', 'gone')") ||
         check_is(w, w->db, "", "SELECT key FROM items_hidden");
}

#define SHOWN                                                                  \
  "SELECT group_concat(quote(key) || '=' || quote(substr(value, 1, 20)) || "   \
  "length(value) || ' ' || ts || ' ' || device, ', ') FROM kv"

#define SHOWN_ITEMS                                                            \
  "SELECT group_concat(id || '=' || substr(name, 1, 20) || ' ' || n, ', ') "   \
  "FROM (SELECT id, name, n FROM items ORDER BY id)"

static int check_observer_items(world *w, sqlite3 *db) {
  char *shown;
  int is_wrong;

  if (!w->tally->is_typed) return 0;
  shown = test_ask(w->db, SHOWN_ITEMS);
  shown[strcspn(shown, "\n")] = '\0';
  is_wrong = check_is(w, db, "",
                      "CREATE VIRTUAL TABLE temp.items USING kv_table(id TEXT "
                      "PRIMARY KEY, name TEXT, n INTEGER, MERGE(n counter))") ||
             check_is(w, db, shown, SHOWN_ITEMS);
  sqlite3_free(shown);
  return is_wrong;
}

/* Another device reads the same. */
static int check_observer(world *w) {
  char *shown = test_ask(w->db, SHOWN);
  sqlite3 *db = NULL;
  int is_wrong;

  shown[strcspn(shown, "\n")] = '\0';
  is_wrong = sqlite3_open(":memory:", &db) != SQLITE_OK ||
             sqlite3_kv_init(db, NULL, NULL) != SQLITE_OK ||
             test_try(db, "SELECT kv_open('%q/notes.kv')", w->folder);
  if (is_wrong) check_say(w, "an observer: %s", sqlite3_errmsg(db));
  if (!is_wrong) {
    is_wrong = check_is(w, db, shown, SHOWN) || check_observer_items(w, db);
  }
  sqlite3_free(shown);
  sqlite3_close(db);
  return is_wrong;
}

/* The directory of a retired phone may go, and an observer still reads the same. */
static int check_retired(world *w) {
  char path[500];

  if (!w->tally->is_retired) return 0;
  if (check_is(w, w->db, "retired|1",
               "SELECT state, detail LIKE 'its directory may be deleted%' "
               "FROM kv_devices WHERE device = 'phone'")) {
    return 1;
  }
  snprintf(path, sizeof(path), "%s/notes.kv/devices/phone", w->folder);
  image_remove(path, 1);
  return 0;
}

int world_check(world *w) {
  int n_rows = 0;
  int is_wrong = world_run(w, w->recover) != SQLITE_OK;

  if (!is_wrong) {
    is_wrong = check_transactions(w, &n_rows) || check_store(w, n_rows) ||
               check_items(w) || check_retired(w);
  }
  if (!is_wrong &&
      test_try(w->db, "INSERT INTO kv VALUES('after', 1)") != SQLITE_OK) {
    is_wrong = check_say(w, "the next write: %s", sqlite3_errmsg(w->db));
  }
  if (!is_wrong) is_wrong = check_observer(w);
  if (!is_wrong) {
    is_wrong = check_is(w, w->db, "ok", "PRAGMA main.quick_check");
  }
  world_close(w);
  return is_wrong;
}
