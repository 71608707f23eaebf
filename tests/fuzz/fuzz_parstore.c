/*
** libFuzzer on whole stores of PARStore 1: each input is damage to one of the
** files of a store. There are three of one device each, whose log is in WAL mode
** with rows in its wal, has a hot journal, or has neither.
**
** An input begins with a byte that says which file; the rest are pairs of a
** place (three bytes) and a byte to put there, or, with 0xff before it, to cut
** the file there. Whatever was done, the store is read to its end, no file of it
** is changed, and no copy is left.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/connection.h"
#include "support/files.h"
#include "support/plists.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILES 5

static const char *const fuzz_stores[FILES] = {"plain", "wal", "wal", "hot",
                                               "hot"};
static const char *const fuzz_suffixes[FILES] = {"", "", "-wal", "",
                                                 "-journal"};

static void *fuzz_folder;
static char *fuzz_files[FILES];          /* paths */
static unsigned char *fuzz_whole[FILES]; /* as they were made */
static size_t fuzz_size[FILES];
static char *fuzz_temp; /* where copies are made */
static sqlite3 *fuzz_db;

static void need(int condition, const char *what, const char *got) {
  if (condition) return;
  fprintf(stderr, "\n%s: %.2000s\n", what, got ? got : "");
  abort();
}

/* The log of a store, or what is beside it. */
static const char *name_of(const char *store, const char *suffix) {
  return test_path("%s/%s/Devices/1/Logs.db%s", fuzz_folder, store, suffix);
}

static void put(const char *file, const char *store, const char *suffix) {
  test_copy(test_path("%s/%s%s", fuzz_folder, file, suffix),
            name_of(store, suffix));
}

static sqlite3 *begin(const char *file, const char *mode) {
  static const test_object list[] = {
    test_object_of("\xd2\1\2\3\4"),
    test_object_of("\x51"
                   "a"),
    test_object_of("\x61\0\xe9"), test_object_of("\xa2\1\4"),
    test_object_of("\x23\x3f\xf8\0\0\0\0\0\0")};
  sqlite3 *db = NULL;
  sqlite3_stmt *stmt = NULL;
  size_t n;
  unsigned char *z = test_plist(list, 5, 1, &n);

  need(sqlite3_open(test_path("%s/%s", fuzz_folder, file), &db) == SQLITE_OK,
       "cannot open", file);
  test_run(db,
           "PRAGMA page_size = 512; PRAGMA journal_mode = %s;"
           "CREATE TABLE ZLOG ( Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT "
           "INTEGER, ZPARENTTIMESTAMP INTEGER, ZTIMESTAMP INTEGER, ZKEY "
           "VARCHAR, ZBLOB BLOB ); CREATE INDEX k ON ZLOG (ZKEY)",
           mode);
  need(sqlite3_prepare_v2(db,
                          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT "
                          "i + 1 FROM n WHERE i < 30) INSERT INTO ZLOG SELECT "
                          "i, 1, 1, i - 1, i, 'key ' || i, iif(i % 5, "
                          "iif(i % 7, ?1, zeroblob(900)), NULL) FROM n",
                          -1, &stmt, NULL) == SQLITE_OK,
       "cannot prepare", sqlite3_errmsg(db));
  sqlite3_bind_blob(stmt, 1, z, (int)n, SQLITE_STATIC);
  need(sqlite3_step(stmt) == SQLITE_DONE, "cannot fill", sqlite3_errmsg(db));
  sqlite3_finalize(stmt);
  sqlite3_free(z);
  return db;
}

static void make_folders(const char *store) {
  test_make_folder(test_path("%s/%s", fuzz_folder, store));
  test_make_folder(test_path("%s/%s/Devices", fuzz_folder, store));
  test_make_folder(test_path("%s/%s/Devices/1", fuzz_folder, store));
}

static void make(void) {
  sqlite3 *db;

  make_folders("plain");
  make_folders("wal");
  make_folders("hot");
  sqlite3_close(begin("a.db", "TRUNCATE"));
  put("a.db", "plain", "");
  db = begin("b.db", "WAL");
  test_run(db, "PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO ZLOG(Z_PK, "
               "ZTIMESTAMP, ZKEY) VALUES(31, 31, 'in the wal')");
  put("b.db", "wal", "");
  put("b.db", "wal", "-wal");
  sqlite3_close(db);
  db = begin("c.db", "DELETE");
  test_run(db, "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN; UPDATE "
               "ZLOG SET ZKEY = 'never', ZBLOB = zeroblob(700)");
  put("c.db", "hot", "");
  put("c.db", "hot", "-journal");
  sqlite3_close(db);
}

static void fuzz_end(void) {
  int i;

  test_disconnect(fuzz_db);
  for (i = 0; i < FILES; i++) {
    sqlite3_free(fuzz_files[i]);
    sqlite3_free(fuzz_whole[i]);
  }
  sqlite3_free(fuzz_temp);
  test_files_teardown(&fuzz_folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  int i;

  (void)argc;
  (void)argv;
  test_files_setup(&fuzz_folder);
  make();
  for (i = 0; i < FILES; i++) {
    fuzz_files[i] =
      sqlite3_mprintf("%s", name_of(fuzz_stores[i], fuzz_suffixes[i]));
    fuzz_whole[i] = test_read(fuzz_files[i], &fuzz_size[i]);
  }
  fuzz_temp = sqlite3_mprintf("%s/temp", (char *)fuzz_folder);
  test_make_folder(fuzz_temp);
  setenv("SQLITE_TMPDIR", fuzz_temp, 1);
  fuzz_db = test_connect(":memory:");
  atexit(fuzz_end);
  return 0;
}

/* The bytes of a damaged file, for sqlite3_free(). */
static unsigned char *damage(int i, const uint8_t *data, size_t size,
                             size_t *n) {
  unsigned char *z = sqlite3_malloc64(fuzz_size[i] + 1);

  need(z != NULL, "no memory", NULL);
  memcpy(z, fuzz_whole[i], fuzz_size[i]);
  *n = fuzz_size[i];
  for (; size >= 4 && *n > 0; data += 4, size -= 4) {
    size_t at = ((size_t)(data[0] & 0x7f) << 16 | data[1] << 8 | data[2]) % *n;

    if (data[0] & 0x80) {
      *n = at;
    } else {
      z[at] = data[3];
    }
  }
  return z;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  unsigned char *z;
  char *got;
  size_t n;
  int i;

  if (size == 0) return 0;
  i = data[0] % FILES;
  z = damage(i, data + 1, size - 1, &n);
  test_write(fuzz_files[i], z, n);
  got = test_ask(fuzz_db,
                 "SELECT 0 * total(length(key) + length(value) + "
                 "length(reason)) FROM kv_parstore('%s/%s')",
                 (char *)fuzz_folder, fuzz_stores[i]);
  need(strcmp(got, "0.0\n") == 0, "not read to its end", got);
  sqlite3_free(got);
  test_is_kept(fuzz_files[i], z, n);
  need(rmdir(fuzz_temp) == 0, "a copy is left", fuzz_temp);
  test_make_folder(fuzz_temp);
  test_write(fuzz_files[i], fuzz_whole[i], fuzz_size[i]);
  return 0;
}
