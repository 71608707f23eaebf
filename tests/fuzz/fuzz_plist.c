/*
** libFuzzer on property lists: each input is the value of a row of a PARStore.
**
** Whatever it is, it is read within a second and gives the same value twice,
** and an array or dictionary is JSON of that kind. If it cannot be read, its
** value is the input itself.
*/
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sqlite3.h>

#include "parstore/plist.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sqlite3_stmt *fuzz_type;

static void need(int condition, const char *what) {
  if (condition) return;
  fprintf(stderr, "\n%s\n", what);
  abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  sqlite3 *db = NULL;

  (void)argc;
  (void)argv;
  need(sqlite3_open(":memory:", &db) == SQLITE_OK, "cannot open");
  need(sqlite3_prepare_v2(db,
                          "SELECT CASE WHEN json_valid(?1) THEN json_type(?1) "
                          "END",
                          -1, &fuzz_type, NULL) == SQLITE_OK,
       sqlite3_errmsg(db));
  return 0;
}

/* A text is the JSON of an array or of an object. */
static void check_json(const kv_value *value, const char *expected) {
  const char *type;

  if (value->n > 100000) return; /* SQLite is slow with these */
  sqlite3_bind_text64(fuzz_type, 1, value->z, value->n, SQLITE_STATIC,
                      SQLITE_UTF8);
  need(sqlite3_step(fuzz_type) == SQLITE_ROW, "no row");
  type = (const char *)sqlite3_column_text(fuzz_type, 0);
  need(type && strcmp(type, expected) == 0, value->z);
  sqlite3_reset(fuzz_type);
}

static void check_value(const kv_plist *plist, const uint8_t *data,
                        size_t size) {
  const kv_value *value = &plist->value;

  if (!plist->type || strcmp(plist->type, "plist") == 0) {
    need(value->type == KV_BLOB && value->z == data && value->n == size,
         "not the bytes themselves");
  } else if (strcmp(plist->type, "array") == 0) {
    check_json(value, "array");
  } else if (strcmp(plist->type, "dictionary") == 0) {
    check_json(value, "object");
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  kv_plist one;
  kv_plist two;
  clock_t start = clock();

  need(kv_plist_read(data, size, 1000000000, &one) == SQLITE_OK, "no memory");
  need(clock() - start < CLOCKS_PER_SEC, "it takes too long");
  check_value(&one, data, size);
  need(kv_plist_read(data, size, 1000000000, &two) == SQLITE_OK, "no memory");
  need(
    one.type == two.type && one.value.type == two.value.type &&
      one.value.n == two.value.n &&
      (one.value.n == 0 || memcmp(one.value.z, two.value.z, one.value.n) == 0),
    "another value");
  kv_plist_clear(&one);
  kv_plist_clear(&two);
  return 0;
}
