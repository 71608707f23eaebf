/*
** Copies of a log that a sync tool could make while it is being written: a VFS
** keeps what log.db and its journal hold after each file operation of the
** commits. Whatever the moment, another device that gets the copy shows whole
** transactions, and the log's own device continues if it gets it back.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/connection.h"
#include "support/files.h"
#include "support/rc.h"

#define test(f)                                                                \
  cmocka_unit_test_setup_teardown(f, snapshots_setup, snapshots_teardown)

#define LOG "%s/w.kv/devices/laptop/log.db"

/* The content of the disk at one moment; a missing journal is NULL. */
typedef struct copy {
  unsigned char *log;
  size_t n_log;
  unsigned char *journal;
  size_t n_journal;
  int n_committed; /* transactions whose COMMIT had returned */
} copy;

typedef struct snapshot_file {
  sqlite3_file base;   /* base class: must be first */
  sqlite3_file **slot; /* where the VFS knows it; NULL: not watched */
  sqlite3_file real[];
} snapshot_file;

static struct {
  sqlite3_vfs vfs;
  sqlite3_vfs *real;
  sqlite3_file *log; /* open for writing, else NULL */
  sqlite3_file *journal;
  copy *copies;
  int n_copies;
  int every; /* every how many operations a copy is kept */
  int n_operations;
  int n_committed;
} snapshots;

static unsigned char *snapshots_read(sqlite3_file *file, size_t *n) {
  sqlite3_int64 size = 0;
  unsigned char *bytes;

  *n = 0;
  if (!file || !file->pMethods) return NULL;
  assert_rc(file->pMethods->xFileSize(file, &size), SQLITE_OK);
  *n = (size_t)size;
  bytes = malloc(*n + 1);
  assert_non_null(bytes);
  if (*n > 0) {
    assert_rc(file->pMethods->xRead(file, bytes, (int)*n, 0), SQLITE_OK);
  }
  return bytes;
}

static void snapshots_take(void) {
  copy *c;

  if (!snapshots.log || ++snapshots.n_operations % snapshots.every != 0) return;
  snapshots.copies =
    realloc(snapshots.copies, (size_t)(snapshots.n_copies + 1) * sizeof(copy));
  assert_non_null(snapshots.copies);
  c = &snapshots.copies[snapshots.n_copies++];
  c->log = snapshots_read(snapshots.log, &c->n_log);
  c->journal = snapshots_read(snapshots.journal, &c->n_journal);
  c->n_committed = snapshots.n_committed;
}

#define real_of(file) (((snapshot_file *)(file))->real)

static int file_close(sqlite3_file *file) {
  snapshot_file *f = (snapshot_file *)file;
  int rc = f->real->pMethods ? f->real->pMethods->xClose(f->real) : SQLITE_OK;

  if (f->slot && *f->slot == f->real) *f->slot = NULL;
  return rc;
}

static int file_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at) {
  return real_of(file)->pMethods->xRead(real_of(file), out, n, at);
}

static int file_write(sqlite3_file *file, const void *bytes, int n,
                      sqlite3_int64 at) {
  int rc = real_of(file)->pMethods->xWrite(real_of(file), bytes, n, at);

  if (((snapshot_file *)file)->slot) snapshots_take();
  return rc;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
  int rc = real_of(file)->pMethods->xTruncate(real_of(file), size);

  if (((snapshot_file *)file)->slot) snapshots_take();
  return rc;
}

static int file_sync(sqlite3_file *file, int flags) {
  (void)flags; /* what reaches the disk does not matter here */
  if (((snapshot_file *)file)->slot) snapshots_take();
  return SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
  return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int file_lock(sqlite3_file *file, int lock) {
  return real_of(file)->pMethods->xLock(real_of(file), lock);
}

static int file_unlock(sqlite3_file *file, int lock) {
  return real_of(file)->pMethods->xUnlock(real_of(file), lock);
}

static int file_check_lock(sqlite3_file *file, int *out) {
  return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int file_control(sqlite3_file *file, int op, void *arg) {
  return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int file_sector_size(sqlite3_file *file) {
  return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_characteristics(sqlite3_file *file) {
  (void)file; /* promise nothing, so that SQLite takes no shortcuts */
  return 0;
}

static const sqlite3_io_methods file_methods = {
  .iVersion = 1,
  .xClose = file_close,
  .xRead = file_read,
  .xWrite = file_write,
  .xTruncate = file_truncate,
  .xSync = file_sync,
  .xFileSize = file_size,
  .xLock = file_lock,
  .xUnlock = file_unlock,
  .xCheckReservedLock = file_check_lock,
  .xFileControl = file_control,
  .xSectorSize = file_sector_size,
  .xDeviceCharacteristics = file_characteristics,
};

/* On Windows a path comes with backslashes. */
static int path_ends_with(const char *path, const char *end) {
  size_t n = path ? strlen(path) : 0;
  size_t n_end = strlen(end);
  size_t i;

  if (n < n_end) return 0;
  path += n - n_end;
  for (i = 0; i < n_end; i++) {
    if (path[i] != end[i] && !(path[i] == '\\' && end[i] == '/')) return 0;
  }
  return 1;
}

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file,
                    int flags, int *out) {
  snapshot_file *f = (snapshot_file *)file;
  int rc;

  (void)vfs;
  memset(f, 0, (size_t)snapshots.vfs.szOsFile);
  rc = snapshots.real->xOpen(snapshots.real, path, f->real, flags, out);
  if (f->real->pMethods) file->pMethods = &file_methods;
  if (rc == SQLITE_OK && flags & SQLITE_OPEN_READWRITE) {
    if (path_ends_with(path, "w.kv/devices/laptop/log.db")) {
      f->slot = &snapshots.log;
    } else if (path_ends_with(path, "w.kv/devices/laptop/log.db-journal")) {
      f->slot = &snapshots.journal;
    }
    if (f->slot) *f->slot = f->real;
  }
  return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync) {
  int rc = snapshots.real->xDelete(snapshots.real, path, 0);

  (void)vfs;
  (void)sync;
  if (path_ends_with(path, "w.kv/devices/laptop/log.db-journal")) {
    snapshots_take();
  }
  return rc;
}

static int snapshots_setup(void **state) {
  memset(&snapshots, 0, sizeof(snapshots));
  snapshots.every = 1;
  snapshots.real = sqlite3_vfs_find(NULL);
  snapshots.vfs = *snapshots.real;
  snapshots.vfs.zName = "snapshots";
  snapshots.vfs.pNext = NULL;
  snapshots.vfs.szOsFile =
    (int)sizeof(snapshot_file) + snapshots.real->szOsFile;
  snapshots.vfs.xOpen = vfs_open;
  snapshots.vfs.xDelete = vfs_delete;
  sqlite3_vfs_register(&snapshots.vfs, 1);
  return test_files_setup(state);
}

static int snapshots_teardown(void **state) {
  int i;

  sqlite3_vfs_unregister(&snapshots.vfs);
  sqlite3_vfs_register(snapshots.real, 1);
  for (i = 0; i < snapshots.n_copies; i++) {
    free(snapshots.copies[i].log);
    free(snapshots.copies[i].journal);
  }
  free(snapshots.copies);
  return test_files_teardown(state);
}

/* The rows of laptop that a store shows, one a line. */
#define ROWS                                                                   \
  "SELECT seq, txn, ts, op, key, substr(value, 1, 12), length(value) "         \
  "FROM kv_log WHERE device = 'laptop' ORDER BY seq"

static sqlite3 *open_store(const char *folder, const char *device) {
  sqlite3 *db = test_connect(":memory:");

  test_run(db, "PRAGMA synchronous = OFF");
  if (device) {
    /* The copies are those of one file. */
    test_run(db, "SELECT kv_open(%Q, %Q, 'segment=0')", folder, device);
  } else {
    test_run(db, "SELECT kv_open(%Q)", folder);
  }
  return db;
}

static void write_transaction(sqlite3 *db, const char *text) {
  test_run(db, "BEGIN");
  test_run(db, "%s", text);
  test_run(db, "COMMIT");
  snapshots.n_committed++;
}

/* Small transactions, large values, deletions. All rows as text. */
static char *write_some(void **state) {
  sqlite3 *db = open_store(test_path("%s/w.kv", *state), "laptop");
  char *rows;
  int i;

  for (i = 0; i < 12; i++) {
    write_transaction(
      db, test_path("INSERT INTO kv VALUES('a', %d), ('b', %d), ('k%d', "
                    "printf('%d-%%.*c', %d, 'x'))",
                    i, i, i, i, i % 4 == 3 ? 20000 : 300));
    if (i % 3 == 2) {
      write_transaction(db, "DELETE FROM kv WHERE key IN ('a', 'b')");
    }
  }
  rows = test_ask(db, ROWS);
  test_disconnect(db);
  return rows;
}

/* One transaction that does not fit into SQLite's page cache, between others. */
static char *write_much(void **state) {
  sqlite3 *db = open_store(test_path("%s/w.kv", *state), "laptop");
  char *rows;

  write_transaction(db, "INSERT INTO kv VALUES('first', 1)");
  write_transaction(
    db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "WHERE i < 3000) INSERT INTO kv SELECT i, printf('%d-%.*c', i, 1000, "
        "'x') FROM n");
  write_transaction(db, "INSERT INTO kv VALUES('last', 1)");
  rows = test_ask(db, ROWS);
  test_disconnect(db);
  return rows;
}

static void put_bytes(const char *path, const unsigned char *bytes, size_t n) {
  if (bytes) {
    test_write(path, bytes, n);
  } else if (test_exists(path)) {
    test_remove(path);
  }
}

/*
** The number of laptop's rows that db shows: whole transactions, starting with
** the first.
*/
static int expect_prefix(sqlite3 *db, const char *rows) {
  char *got = test_ask(db, ROWS);
  char *half = test_ask(
    db, "SELECT count(*) FROM kv_log WHERE device = 'laptop' AND txn > "
        "(SELECT max(seq) FROM kv_log WHERE device = 'laptop')");
  int n = 0;
  char *z;

  assert_int_equal(strncmp(got, rows, strlen(got)), 0);
  assert_string_equal(half, "0\n");
  for (z = got; *z; z++)
    n += *z == '\n';
  sqlite3_free(half);
  sqlite3_free(got);
  return n;
}

static int count_rows(const char *rows) {
  int n = 0;

  for (; *rows; rows++)
    n += *rows == '\n';
  return n;
}

/* A folder with the directory of laptop, and the path of its log. */
static const char *make_place(void **state, const char *name) {
  test_make_folder(test_path("%s/%s", *state, name));
  test_make_folder(test_path("%s/%s/devices", *state, name));
  test_make_folder(test_path("%s/%s/devices/laptop", *state, name));
  return test_path("%s/%s/devices/laptop/log.db", *state, name);
}

/* Give each copy to a device that has not read the log. */
static void expect_readable(void **state, const char *rows) {
  char *path = sqlite3_mprintf("%s", make_place(state, "r.kv"));
  char *folder = sqlite3_mprintf("%s/r.kv", *state);
  int n_seen = 0;
  int last = 0;
  int i;

  for (i = 0; i < snapshots.n_copies; i++) {
    sqlite3 *db;
    int n;

    put_bytes(path, snapshots.copies[i].log, snapshots.copies[i].n_log);
    db = open_store(folder, NULL);
    n = expect_prefix(db, rows);
    if (n != last) n_seen++;
    last = n;
    test_disconnect(db);
  }
  assert_true(n_seen >= 3);
  assert_int_equal(last, count_rows(rows));
  sqlite3_free(folder);
  sqlite3_free(path);
}

static void any_moment_of_a_commit_shows_whole_transactions(void **state) {
  char *rows = write_some(state);

  assert_true(snapshots.n_copies > 150);
  expect_readable(state, rows);
  sqlite3_free(rows);
}

static void
a_commit_larger_than_memory_shows_whole_transactions_too(void **state) {
  char *rows;

  snapshots.every = 7;
  rows = write_much(state);
  assert_true(snapshots.n_copies > 50);
  snapshots.every = 1;
  expect_readable(state, rows);
  sqlite3_free(rows);
}

/* Give them to a device that syncs each of them, forwards and backwards. */
static void nothing_that_was_read_is_lost_again(void **state) {
  char *rows = write_some(state);
  const char *path = make_place(state, "r.kv");
  char *log = sqlite3_mprintf("%s", path);
  sqlite3 *db = open_store(test_path("%s/r.kv", *state), "phone");
  int last = 0;
  int i;

  for (i = 0; i < 2 * snapshots.n_copies; i++) {
    int k = i < snapshots.n_copies ? i : 2 * snapshots.n_copies - 1 - i;
    int n;

    put_bytes(log, snapshots.copies[k].log, snapshots.copies[k].n_log);
    test_run(db, "SELECT kv_sync()");
    n = expect_prefix(db, rows);
    assert_true(n >= last);
    last = n;
  }
  put_bytes(log, snapshots.copies[snapshots.n_copies - 1].log,
            snapshots.copies[snapshots.n_copies - 1].n_log);
  test_run(db, "SELECT kv_sync()");
  assert_int_equal(expect_prefix(db, rows), count_rows(rows));
  test_rows(db, "ok", "SELECT state FROM kv_devices WHERE device = 'laptop'");
  test_disconnect(db);
  sqlite3_free(log);
  sqlite3_free(rows);
}

/* The least number of rows that were committed at a moment. */
static int committed_rows(const char *rows, int n_committed) {
  int n = 0;
  long txn = -1;

  for (; *rows; rows = strchr(rows, '\n') + 1) {
    long at = strtol(strchr(rows, '|') + 1, NULL, 10);

    if (at != txn && n_committed-- == 0) break;
    txn = at;
    n++;
  }
  return n;
}

/* The own device finds a copy and the journal of a moment beside it. */
static void restore(void **state, const char *name, const char *rows,
                    const copy *log, const copy *journal, int at_least) {
  const char *made = make_place(state, name);
  char *path = sqlite3_mprintf("%s", made);
  char *beside = sqlite3_mprintf("%s-journal", path);
  char *valid;
  sqlite3 *db;

  put_bytes(path, log->log, log->n_log);
  put_bytes(beside, journal->journal, journal->n_journal);
  db = open_store(test_path("%s/%s", *state, name), "laptop");
  assert_true(expect_prefix(db, rows) >= at_least);
  test_run(db, "INSERT INTO kv VALUES('new', 'here')");
  test_rows(db, "here", "SELECT kv_get('new')");
  test_rows(db, "ok", "SELECT state FROM kv_devices WHERE is_self");
  assert_false(test_exists(beside));
  valid = test_ask(db,
                   "SELECT count(*) FROM kv_foreign(%Q) WHERE NOT valid OR "
                   "reason IS NOT NULL",
                   path);
  assert_string_equal(valid, "0\n");
  sqlite3_free(valid);
  test_disconnect(db);
  sqlite3_free(beside);
  sqlite3_free(path);
}

static void a_crash_at_any_moment_loses_no_committed_transaction(void **state) {
  char *rows = write_some(state);
  int n = snapshots.n_copies;
  int i;

  for (i = 0; i < n; i++) {
    const copy *c = &snapshots.copies[i];

    restore(state, test_path("c%d.kv", i), rows, c, c,
            committed_rows(rows, c->n_committed));
    assert_false(test_exists(
      test_path("%s/c%d.kv/devices/laptop/log.db.aside-1", *state, i)));
  }
  sqlite3_free(rows);
}

static void a_journal_from_another_moment_brings_no_wrong_row(void **state) {
  char *rows = write_some(state);
  int n = snapshots.n_copies;
  int n_tried = 0;
  int i;
  int j;

  for (i = 0; i < n; i++) {
    for (j = i - 7; j <= i + 7; j += j % 2 == 0 ? 1 : 2) {
      if (j < 0 || j >= n || j == i || !snapshots.copies[j].journal) continue;
      restore(state, test_path("j%d.kv", n_tried++), rows, &snapshots.copies[i],
              &snapshots.copies[j], 0);
    }
  }
  assert_true(n_tried > 300);
  sqlite3_free(rows);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(any_moment_of_a_commit_shows_whole_transactions),
    test(a_commit_larger_than_memory_shows_whole_transactions_too),
    test(nothing_that_was_read_is_lost_again),
    test(a_crash_at_any_moment_loses_no_committed_transaction),
    test(a_journal_from_another_moment_brings_no_wrong_row),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
