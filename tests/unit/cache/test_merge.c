/*
** A log of any size is merged in one reading, slice by slice, and nothing of an
** incomplete transaction stays.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cache/cache.h"
#include "rows/slice.h"
#include "support/files.h"
#include "support/rc.h"
#include "support/stores.h"
#include "sync/upkeep.h"

/* Rows of about a kilobyte; this many take several slices. */
#define ROW 1000
#define MANY (3 * KV_SLICE_SIZE / ROW)

/* How many rows are in front, in the back, and newer than the last sweep. */
#define PLACES                                                                 \
  "SELECT (SELECT count(*) FROM kv_cache WHERE part = 0), "                    \
  "(SELECT count(*) FROM kv_cache WHERE part = 1), "                           \
  "(SELECT swept_rows FROM kv_meta), (SELECT n_front FROM kv_meta)"

/* A new store, the log of a device phone that a test writes, and its merge. */
static test_store t;
static test_log phone;
static const char *path;
static kv_position at;
static kv_stretch stretch;

static int setup(void **state) {
  static char name[500];

  if (test_files_setup(state) != 0) return -1;
  sqlite3_snprintf(sizeof(name), name, "%s/log.db", (char *)*state);
  path = name;
  test_log_begin(&phone, path, "phone", 1);
  test_run(phone.db, "BEGIN");
  test_store_open(&t, ":memory:", "laptop");
  memset(&at, 0, sizeof(at));
  return 0;
}

static int teardown(void **state) {
  test_store_close(&t);
  return test_files_teardown(state);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* The latest row of each key is in front, and no row exists twice. */
static void check(void) {
  test_rows(t.db, "0",
            "SELECT count(*) FROM kv_cache AS o WHERE part = 1 AND NOT "
            "EXISTS(SELECT 1 FROM kv_cache AS n WHERE n.part = 0 AND "
            "n.key = o.key AND "
            "(n.ts, n.device, n.seq) > (o.ts, o.device, o.seq))");
  test_rows(t.db, "",
            "SELECT device, seq FROM kv_cache GROUP BY 1, 2 "
            "HAVING count(*) > 1");
}

/* The log is written. */
static void end(void) {
  test_run(phone.db, "COMMIT");
  test_log_end(&phone);
}

/* n keys in one transaction, which claims that `behind` more rows follow. */
static void write_keys(int64_t ts, int n, int behind) {
  static char value[ROW + 1];
  char key[20];
  int i;

  memset(value, 'v', ROW);
  for (i = 0; i < n; i++) {
    sqlite3_snprintf(sizeof(key), key, "%d", (int)(i * 7919LL % n));
    test_log_set(&phone, ts, key, value, n - 1 - i + behind);
  }
}

/* Phone has merged the laptop's log up to a row, in a transaction `txn`. */
static void write_seen(int64_t txn, int64_t seq) {
  phone.row.txn = txn;
  phone.row.op = KV_OP_SEEN;
  phone.row.parent_ts = test_integer(50 + seq);
  phone.row.bucket = test_text("laptop");
  phone.row.key = test_blob("0123456789abcdef", KV_ID_SIZE);
  phone.row.value = test_integer(seq);
  test_log_write(&phone);
}

/* Merge the rows of the log after `after`; returns the result code. */
static int merge(kv_position *after) {
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  int is_alone = sqlite3_get_autocommit(t.db);
  int rc;

  if (is_alone) test_run(t.db, "BEGIN");
  assert_rc(kv_reader_open(t.db, path, "phone", &reader, &verdict), SQLITE_OK);
  if (after->seq == 0) *after = kv_reader_head(reader)->base;
  rc = kv_cache_merge_new(&t.store->stmts, reader, *after, INT64_MAX, NULL, 1,
                          &stretch);
  *after = stretch.end;
  kv_reader_close(reader);
  if (is_alone) test_run(t.db, "COMMIT");
  return rc;
}

static void a_log_of_several_slices_is_merged(void **state) {
  (void)state;
  write_keys(100, MANY, 0);
  write_keys(200, 10, 0);
  end();
  assert_rc(merge(&at), SQLITE_OK);
  assert_int_equal(stretch.ended, KV_END_CLEAN);
  assert_int_equal(stretch.n_rows, MANY + 10);
  assert_int_equal(stretch.end.seq, MANY + 10);
  assert_int_equal(stretch.last_ts, 200);
  check();
  test_rows(t.db, "12592|12582",
            "SELECT count(*), count(DISTINCT key) FROM kv_cache");
  test_rows(t.db, "2|1|12592",
            "SELECT count(*), min(first_seq), max(last_seq) FROM kv_arrival");
}

static void versions_in_one_slice_go_to_the_back_at_once(void **state) {
  int i;

  (void)state;
  for (i = 0; i < 10; i++)
    write_keys(100 + i, 50, 0);
  end();
  assert_rc(merge(&at), SQLITE_OK);
  test_rows(t.db, "50|450|500|50", PLACES);
  check();
}

static void rows_that_join_others_are_left_for_a_sweep(void **state) {
  kv_meta meta;
  int is_usable;

  (void)state;
  write_keys(100, 50, 0);
  end();
  assert_rc(merge(&at), SQLITE_OK);
  test_log_open(&phone, path);
  write_keys(200, 50, 0);
  write_keys(300, 20, 0);
  test_log_end(&phone);
  assert_rc(merge(&at), SQLITE_OK);
  /* 20 of the second version come after those of the third. */
  test_rows(t.db, "100|20|70|50", PLACES);
  check();
  assert_rc(kv_cache_check(&t.store->stmts, &is_usable, &meta), SQLITE_OK);
  test_run(t.db, "BEGIN");
  assert_rc(kv_cache_sweep(&t.store->stmts, &meta, 1, 120), SQLITE_OK);
  test_run(t.db, "COMMIT");
  test_rows(t.db, "50|70|120|50", PLACES);
  check();
}

static void a_transaction_whose_end_is_missing_is_not_merged(void **state) {
  (void)state;
  write_keys(100, 5, 0);
  write_keys(200, MANY, 1);
  end();
  assert_rc(merge(&at), SQLITE_OK);
  assert_int_equal(stretch.ended, KV_END_TORN);
  assert_string_equal(stretch.reason, "its last transaction is incomplete");
  assert_int_equal(stretch.n_rows, 5);
  assert_int_equal(stretch.end.seq, 5);
  assert_int_equal(stretch.last_ts, 100);
  test_rows(t.db, "5|0|5|5", PLACES);
  check();

  test_log_open(&phone, path);
  test_log_set(&phone, 200, "0", "whole", 0);
  test_log_end(&phone);
  assert_rc(merge(&at), SQLITE_OK);
  assert_int_equal(stretch.ended, KV_END_CLEAN);
  assert_int_equal(at.seq, MANY + 6);
  test_rows(t.db, "12588", "SELECT count(*) FROM kv_cache");
  check();
}

/* A transaction of several slices whose last row does not verify. */
static void a_transaction_that_breaks_off_is_undone(void **state) {
  (void)state;
  write_seen(1, 5);
  write_keys(100, 5, 0);
  write_keys(150, 5, 0);
  write_seen(phone.row.seq + 2 * MANY + 1, 6);
  write_keys(200, MANY, MANY);
  write_keys(200, MANY, 0);
  end();
  test_log_break(path, "UPDATE log SET value = 'x' WHERE "
                       "seq = (SELECT max(seq) FROM log)");
  test_store_set(&t, "0", "mine");
  assert_rc(merge(&at), SQLITE_OK);
  assert_int_equal(stretch.ended, KV_END_WRONG);
  assert_string_equal(stretch.reason, "its checksum does not match");
  assert_int_equal(stretch.n_rows, 10);
  assert_int_equal(stretch.n_seen, 1);
  assert_int_equal(at.seq, 11);
  check();
  test_rows(t.db, "11", "SELECT count(*) FROM kv_cache");
  test_rows(t.db, "0|mine\n1|150\n2|150\n3|150\n4|150",
            "SELECT key, CASE device WHEN 'laptop' THEN value ELSE max(ts) END "
            "FROM kv_cache AS o WHERE part = 0 AND NOT EXISTS(SELECT 1 FROM "
            "kv_cache AS n WHERE n.key = o.key AND n.ts > o.ts) GROUP BY key");
  test_rows(t.db, "1|5", "SELECT seq, peer_seq FROM kv_seen");
}

static void a_large_value_is_merged_unchanged(void **state) {
  const int n = 3000000;
  char *z = sqlite3_malloc(n + 1);

  (void)state;
  memset(z, 'z', (size_t)n);
  z[n] = '\0';
  test_log_set(&phone, 100, "b", "1", 0);
  test_log_set(&phone, 200, "a", z, 1);
  test_log_set(&phone, 200, "c", z, 0);
  test_log_set(&phone, 300, z + n - KV_KEY_MAX, "a large key", 0);
  test_log_set(&phone, 400, z + n - KV_KEY_MAX, "again", 0);
  test_log_set(&phone, 500, "a", "small", 1);
  end();
  sqlite3_free(z);
  assert_rc(merge(&at), SQLITE_OK);
  assert_int_equal(at.seq, 5);
  check();
  test_rows(t.db, "1|1|1\n2|1|3000000\n3|1|3000000\n4|65536|11\n5|65536|5",
            "SELECT seq, length(key), length(" TEST_VALUE
            ") FROM kv_cache AS c ORDER BY seq");
  test_rows(t.db, "1|3000000\n2|3000000",
            "SELECT id, length(value) FROM kv_large");
}

static void large_values_of_rows_that_are_left_out_are_deleted(void **state) {
  char *z = sqlite3_malloc(20001);

  (void)state;
  memset(z, 'z', 20000);
  z[20000] = '\0';
  test_log_set(&phone, 100, "a", z, 0);
  test_log_set(&phone, 200, "b", z, 2);
  test_log_set(&phone, 200, "c", "small", 1);
  end();
  sqlite3_free(z);
  assert_rc(merge(&at), SQLITE_OK);
  assert_int_equal(at.seq, 1);
  test_rows(t.db, "1|20000", "SELECT id, length(value) FROM kv_large");
  check();
  assert_rc(merge(&at), SQLITE_OK);
  test_rows(t.db, "1|20000", "SELECT id, length(value) FROM kv_large");
}

static void merging_the_same_rows_again_adds_nothing(void **state) {
  kv_position base = {0, 0};

  (void)state;
  write_keys(100, 50, 0);
  end();
  assert_rc(merge(&at), SQLITE_OK);
  assert_rc(merge(&at), SQLITE_OK);
  assert_int_equal(stretch.ended, KV_END_CLEAN);
  assert_int_equal(stretch.n_rows, 0);
  assert_int_equal(stretch.end.seq, 50);
  assert_rc(merge(&base), SQLITE_OK);
  test_rows(t.db, "50", "SELECT count(*) FROM kv_cache");
  check();
}

/* A progress handler that stops after this many calls. */
static int stop(void *calls) {
  return --*(int *)calls < 0;
}

static void a_progress_handler_stops_it_anywhere(void **state) {
  int calls;
  int rc = SQLITE_INTERRUPT;
  int n;

  (void)state;
  write_keys(100, MANY, 0);
  end();
  for (n = 0; rc == SQLITE_INTERRUPT; n += 19) {
    calls = n;
    sqlite3_progress_handler(t.db, 1000, stop, &calls);
    test_run(t.db, "BEGIN");
    at.seq = 0;
    rc = merge(&at);
    sqlite3_progress_handler(t.db, 0, NULL, NULL);
    /* SQLite rolls back by itself if the statement was writing. */
    if (!sqlite3_get_autocommit(t.db)) {
      test_run(t.db, rc == SQLITE_OK ? "COMMIT" : "ROLLBACK");
    }
  }
  assert_rc(rc, SQLITE_OK);
  assert_true(n > 70);
  check();
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test(a_log_of_several_slices_is_merged),
    test(versions_in_one_slice_go_to_the_back_at_once),
    test(rows_that_join_others_are_left_for_a_sweep),
    test(a_transaction_whose_end_is_missing_is_not_merged),
    test(a_transaction_that_breaks_off_is_undone),
    test(a_large_value_is_merged_unchanged),
    test(large_values_of_rows_that_are_left_out_are_deleted),
    test(merging_the_same_rows_again_adds_nothing),
    test(a_progress_handler_stops_it_anywhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
