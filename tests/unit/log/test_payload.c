/*
** Large rows read from the pages of a file: as SQLite reads them, whatever the
** size of pages, rows and their parts; and whatever else is in the file.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/row.h"
#include "log/payload.h"
#include "support/connection.h"
#include "support/files.h"
#include "support/rc.h"

/* A table like a log's, with rows of all sizes in pages of this size. */
static sqlite3 *make_table(const char *path, int page_size, int n_reserved) {
  sqlite3 *db = test_connect(path);

  sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &n_reserved);
  test_run(db, "PRAGMA page_size = %d; PRAGMA synchronous = off", page_size);
  test_run(db, "CREATE TABLE log(seq INTEGER PRIMARY KEY, txn, ts, parent_ts, "
               "op, bucket TEXT, key, value, sum)");
  test_run(
    db,
    "WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM i WHERE n < "
    "120) INSERT INTO log SELECT 3 * n, n << (n %% 60), -n, NULL, n %% 3, "
    "CASE n %% 5 WHEN 4 THEN hex(randomblob(n * 40)) ELSE '' END, "
    "CASE n %% 4 WHEN 3 THEN randomblob(n * 90) WHEN 2 THEN 0.5 * n "
    "ELSE n - 50 END, "
    "CASE n %% 3 WHEN 2 THEN randomblob(n * n * 30) WHEN 1 THEN "
    "hex(randomblob(n * n)) ELSE n END, (n - 60) * (1 << (n %% 60)) FROM i");
  /* The largest numbers are written in nine bytes. */
  test_run(db, "INSERT INTO log(seq, txn, value, sum) VALUES((1 << 62), 1, "
               "zeroblob(2000), 9)");
  return db;
}

/* One column of a row is as SQLite says. */
static void expect_column(kv_payload *payload, int column, sqlite3_stmt *row) {
  static const int types[] = {0,       KV_INTEGER, KV_REAL,
                              KV_TEXT, KV_BLOB,    KV_NULL};
  const kv_payload_column *c = &payload->columns[column];
  unsigned char bytes[700];
  const unsigned char *expected;
  uint32_t at = 0;
  int64_t i;
  double r;

  assert_int_equal(c->type, types[sqlite3_column_type(row, column)]);
  if (c->type < KV_TEXT) {
    assert_rc(kv_payload_number(payload, column, &i, &r), SQLITE_OK);
    if (c->type == KV_REAL) {
      assert_true(r == sqlite3_column_double(row, column));
    } else {
      assert_true(i == sqlite3_column_int64(row, column));
    }
    return;
  }
  expected = sqlite3_column_blob(row, column);
  assert_int_equal(c->n, sqlite3_column_bytes(row, column));
  while (at < c->n) {
    uint32_t n = c->n - at < sizeof(bytes) ? c->n - at : sizeof(bytes);

    assert_int_equal(payload->place.at, c->from + at);
    assert_rc(kv_payload_read(payload, n, bytes), SQLITE_OK);
    assert_memory_equal(bytes, expected + at, n);
    at += n;
  }
}

/* is_plain: no page was used before. */
static void expect_rows(sqlite3 *db, int is_plain) {
  sqlite3_stmt *rows = NULL;
  kv_payload payload;
  int n = 0;
  int i;

  sqlite3_prepare_v2(db, "SELECT * FROM log", -1, &rows, NULL);
  for (; sqlite3_step(rows) == SQLITE_ROW; n++) {
    int64_t seq = sqlite3_column_int64(rows, 0);
    int64_t sum = 0;
    int found;

    assert_rc(kv_payload_find(db, seq, &payload), SQLITE_OK);
    for (i = 1; i < KV_LOG_COLUMNS; i++)
      expect_column(&payload, i, rows);
    assert_rc(kv_payload_guess(&payload, KV_LOG_SUM, &sum, &found), SQLITE_OK);
    if (found && is_plain) assert_true(sum == sqlite3_column_int64(rows, 8));
    kv_payload_clear(&payload);
    assert_rc(kv_payload_find(db, seq + 1, &payload), SQLITE_DONE);
    kv_payload_clear(&payload);
  }
  assert_int_equal(n, 122);
  sqlite3_finalize(rows);
}

static void rows_are_as_sqlite_reads_them(void **state) {
  static const int page_sizes[] = {512, 1024, 4096, 65536};
  static const int reserved[] = {0, 8, 32};
  int i;

  for (i = 0; i < 12; i++) {
    const char *path = test_path("%s/%d.db", *state, i);
    sqlite3 *db = make_table(path, page_sizes[i % 4], reserved[i / 4]);

    expect_rows(db, 1);
    test_run(db, "DELETE FROM log WHERE seq %% 2");
    test_run(db, "INSERT INTO log SELECT seq + 3, txn, ts, parent_ts, op, "
                 "bucket, key, value, sum FROM log WHERE seq < 354");
    test_run(db, "INSERT INTO log(seq, value, sum) VALUES(357, "
                 "zeroblob(700001), 1)");
    expect_rows(db, 0); /* from pages here and there */
    test_disconnect(db);
  }
}

static void a_reading_is_gone_on_with(void **state) {
  sqlite3 *db = make_table(test_path("%s/a.db", *state), 512, 0);
  unsigned char first[2000];
  unsigned char then[2000];
  kv_payload_place place;
  kv_payload payload;
  uint32_t n;

  for (n = 1; n < sizeof(first); n = n + 1 + n / 8) {
    uint32_t left = sizeof(first) - n;

    assert_rc(kv_payload_find(db, 330, &payload), SQLITE_OK);
    kv_payload_read(&payload, n, first);
    place = payload.place;
    assert_rc(kv_payload_read(&payload, left, first), SQLITE_OK);
    kv_payload_clear(&payload);
    assert_rc(kv_payload_find(db, 330, &payload), SQLITE_OK);
    kv_payload_go(&payload, place);
    assert_rc(kv_payload_read(&payload, left, then), SQLITE_OK);
    assert_memory_equal(first, then, left);
    kv_payload_clear(&payload);
  }
  test_disconnect(db);
}

/* Whatever a byte is, reading ends. */
static void no_byte_is_believed(void **state) {
  const char *path = test_path("%s/a.db", *state);
  const char *broken = test_path("%s/broken.db", *state);
  sqlite3 *db = make_table(path, 512, 0);
  size_t n;
  size_t i;
  unsigned char *bytes;

  test_run(db, "DELETE FROM log WHERE seq > 60; VACUUM");
  test_disconnect(db);
  bytes = test_read(path, &n);
  for (i = 16; i < n; i += i < 2048 ? 1 : 97) {
    unsigned char byte = (unsigned char)(bytes[i] ^ (1 + i * 37 % 255));
    kv_payload payload;
    int64_t sum;
    double r;
    int rc;

    test_copy(path, broken);
    test_set_byte(broken, i, byte);
    sqlite3_open_v2(broken, &db, SQLITE_OPEN_READONLY, NULL);
    rc = kv_payload_find(db, 3 * (int64_t)(i % 21), &payload);
    if (rc == SQLITE_OK && payload.columns[KV_LOG_SUM].type < KV_TEXT) {
      kv_payload_number(&payload, KV_LOG_SUM, &sum, &r);
    }
    kv_payload_clear(&payload);
    sqlite3_close(db);
  }
  sqlite3_free(bytes);
}

/* A table of row 5 alone: where in the file its leaf and its cell begin. */
typedef struct one_row {
  const char *path;
  size_t leaf;
  size_t cell;
} one_row;

static one_row make_one(void **state, int n_value) {
  one_row one = {test_path("%s/one.db", *state), 512, 0};
  sqlite3 *db;
  unsigned char *bytes;
  size_t n;

  if (test_exists(one.path)) test_remove(one.path);
  db = test_connect(one.path);
  test_run(db, "PRAGMA page_size = 512; CREATE TABLE log(seq INTEGER PRIMARY "
               "KEY, txn, ts, parent_ts, op, bucket TEXT, key, value, sum)");
  test_run(db,
           "INSERT INTO log VALUES(5, 5, 5, NULL, 1, '', 'k', "
           "zeroblob(%d), 7)",
           n_value);
  test_disconnect(db);
  bytes = test_read(one.path, &n);
  one.cell = one.leaf + 256 * bytes[one.leaf + 8] + bytes[one.leaf + 9];
  assert_int_equal(bytes[one.leaf], 0x0d);
  assert_int_equal(bytes[one.cell + (n_value < 100 ? 1 : 2)], 5);
  sqlite3_free(bytes);
  return one;
}

/* Find the row, and its sum. */
static int find_one(const one_row *one, int64_t *sum) {
  sqlite3 *db = NULL;
  kv_payload payload;
  double r;
  int rc;

  sqlite3_open_v2(one->path, &db, SQLITE_OPEN_READONLY, NULL);
  rc = kv_payload_find(db, 5, &payload);
  if (rc == SQLITE_OK) rc = kv_payload_number(&payload, KV_LOG_SUM, sum, &r);
  kv_payload_clear(&payload);
  sqlite3_close(db);
  return rc;
}

/* What cannot be, where it stands: in the leaf or, from CELL on, in the row. */
#define CELL 10000
static const struct {
  const char *what;
  int n_value;
  int at;
  const char *bytes;
  int n;
  int at_end; /* of the leaf, these bytes */
  const char *end;
} wrong[] = {
  {"the page of an index", 3000, 0, "\x0a", 1, 0, NULL},
  {"a cell behind the page", 3000, 8, "\x01\xfd", 2, 0, NULL},
  {"a cell without end", 3000, 8, "\x01\xfc", 2, 4, "\xff\xff\xff\xff"},
  {"a cell larger than the page", 3000, 8, "\x01\xfc", 2, 4, "\x97\x38\x05\0"},
  {"a row of 2^64 bytes", 3000, CELL, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\5",
   10, 0, NULL},
  {"columns longer than the row", 3000, CELL + 3, "\xff\x7f", 2, 0, NULL},
  {"a column longer than the row", 3000, CELL + 4,
   "\xff\xff\xff\xff\xff\xff\xff\xff\xff", 9, 0, NULL},
  {"columns that end in a number", 0, CELL, "\x06\x05\x06\x80\x80\x80\x80\x80",
   8, 0, NULL},
  {"a chain of pages that begins nowhere", 3000, CELL,
   "\x84\x23\x05\x0a\0\1\1\0\1\x0d\x0f\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
   "\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff",
   46, 0, NULL},
};

static void what_cannot_be_is_told(void **state) {
  sqlite3 *db = test_connect(test_path("%s/none.db", *state));
  kv_payload payload;
  size_t i;
  int j;

  for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
    one_row one = make_one(state, wrong[i].n_value);
    size_t at = wrong[i].at < CELL ? one.leaf + (size_t)wrong[i].at
                                   : one.cell + (size_t)(wrong[i].at - CELL);
    int64_t sum = 0;
    int rc;

    assert_rc(find_one(&one, &sum), SQLITE_OK);
    assert_int_equal(sum, 7);
    for (j = 0; j < wrong[i].n; j++)
      test_set_byte(one.path, at + (size_t)j, (unsigned char)wrong[i].bytes[j]);
    for (j = 0; j < wrong[i].at_end; j++)
      test_set_byte(one.path, one.leaf + 512 - 4 + (size_t)j,
                    (unsigned char)wrong[i].end[j]);
    rc = find_one(&one, &sum);
    if (rc != SQLITE_CORRUPT) print_error("%s: %d\n", wrong[i].what, rc);
    assert_rc(rc, SQLITE_CORRUPT);
  }
  /* No table of rows. */
  test_run(db, "CREATE TABLE other(x)");
  assert_rc(kv_payload_find(db, 5, &payload), SQLITE_CORRUPT);
  kv_payload_clear(&payload);
  test_disconnect(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(rows_are_as_sqlite_reads_them),
    test_in_folder(a_reading_is_gone_on_with),
    test_in_folder(no_byte_is_believed),
    test_in_folder(what_cannot_be_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
