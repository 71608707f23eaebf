/* Contested keys: what is found, and what is settled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "contest/contest.h"
#include "support/rc.h"
#include "support/stores.h"

static kv_stmts *stmts(void) {
  return &test_laptop.store->stmts;
}

/* A row in a part of the cache: 0, 1, or the name of a bucket, as SQL. */
static void put(const char *part, const char *key, int ts, const char *device,
                int seq, int op) {
  test_run(test_laptop.db,
           "INSERT INTO kv_cache(part, key, ts, device, seq, op, "
           "arrived) VALUES(%s, %s, %d, %Q, %d, %d, 1)",
           part, key, ts, device, seq, op);
}

/* The log of a device is merged up to a row; its id begins with a letter. */
static void log_of(const char *device, const char *id, int seq) {
  test_run(
    test_laptop.db,
    "INSERT OR REPLACE INTO kv_cursor(device, id, seq, sum, horizon, holes, "
    "state) VALUES(%Q, CAST(%Q || '-------========' AS BLOB), %d, 0, 0, 0, "
    "'ok')",
    device, id, seq);
}

/* A device says before its row `seq` that it had merged a peer's log. */
static void saw(const char *device, int seq, const char *peer, const char *id,
                int peer_seq) {
  test_run(test_laptop.db,
           "INSERT INTO kv_seen(device, peer, seq, txn, ts, peer_id, peer_seq, "
           "peer_sum, op) VALUES(%Q, %Q, %d, %d, 1, "
           "CAST(%Q || '-------0' AS BLOB), %d, 0, 2)",
           device, peer, seq, seq, id, peer_seq);
}

static void logs(void) {
  log_of("laptop", "l", 100);
  log_of("phone", "p", 100);
  log_of("tablet", "t", 100);
}

static void judge_all(void) {
  test_run(test_laptop.db, "BEGIN");
  assert_rc(kv_contest_judge_all(stmts(), 7), SQLITE_OK);
  test_run(test_laptop.db, "COMMIT");
}

#define FOUND "SELECT bucket || ':' || key FROM kv_contested ORDER BY 1"

static void
a_value_that_a_later_writer_had_not_merged_is_contested(void **state) {
  (void)state;
  logs();
  put("0", "'seen'", 20, "phone", 20, 1);
  put("1", "'seen'", 10, "laptop", 10, 1);
  put("0", "'unseen'", 20, "phone", 21, 1);
  put("1", "'unseen'", 10, "laptop", 11, 1);
  put("0", "'own'", 20, "phone", 22, 1);
  put("0", "'own'", 10, "phone", 9, 1);
  put("0", "'deleted'", 20, "phone", 23, 1);
  put("0", "'deleted'", 10, "laptop", 12, 0);
  put("0", "'alone'", 10, "laptop", 50, 1);
  put("'t'", "'typed'", 20, "phone", 24, 1);
  put("'t'", "'typed'", 10, "laptop", 13, 1);
  saw("phone", 19, "laptop", "l", 10);
  judge_all();
  test_rows(test_laptop.db, ":unseen\nt:typed", FOUND);
  test_rows(test_laptop.db, "2|7|2",
            "SELECT judged, judged_rows, n_contested FROM kv_meta");
}

static void any_later_row_may_settle_it(void **state) {
  (void)state;
  logs();
  put("0", "'a'", 30, "tablet", 1, 1);
  put("1", "'a'", 20, "phone", 20, 1); /* saw a of laptop */
  put("1", "'a'", 10, "laptop", 10, 1);
  saw("phone", 19, "laptop", "l", 10);
  saw("tablet", 1, "phone", "p", 20);
  put("0", "'b'", 30, "laptop", 11, 1); /* laptop saw nothing, but itself */
  put("1", "'b'", 20, "phone", 21, 1);
  put("1", "'b'", 10, "laptop", 10, 1);
  judge_all();
  test_rows(test_laptop.db, ":b", FOUND);
}

static void what_was_seen_of_another_log_does_not_count(void **state) {
  (void)state;
  logs();
  put("0", "'a'", 20, "phone", 20, 1);
  put("1", "'a'", 10, "laptop", 10, 1);
  saw("phone", 19, "laptop", "x", 10);
  judge_all();
  test_rows(test_laptop.db, ":a", FOUND);
}

static void settled_keys_are_taken_out(void **state) {
  (void)state;
  logs();
  put("0", "'a'", 20, "phone", 20, 1);
  put("1", "'a'", 10, "laptop", 10, 1);
  put("0", "1", 20, "phone", 21, 1);
  put("1", "1", 10, "laptop", 11, 1);
  judge_all();
  test_rows(test_laptop.db, ":1\n:a", FOUND);
  put("0", "1.0", 30, "laptop", 12, 1);
  saw("laptop", 12, "phone", "p", 30);
  test_run(test_laptop.db, "BEGIN");
  assert_rc(kv_contest_judge_again(stmts(), 9), SQLITE_OK);
  test_run(test_laptop.db, "COMMIT");
  test_rows(test_laptop.db, ":a", FOUND);
  test_rows(test_laptop.db, "9|1",
            "SELECT judged_rows, n_contested FROM kv_meta");
}

/* A row of a device that is merged. */
static void merge(const char *device, const char *bucket, const char *key,
                  int ts, int seq) {
  kv_value name = {KV_TEXT, 0, 0, device, strlen(device)};
  kv_row row = {0};
  kv_contest contest;

  row.bucket = (kv_value){KV_TEXT, 0, 0, bucket, strlen(bucket)};
  row.key = (kv_value){KV_TEXT, 0, 0, key, strlen(key)};
  row.ts = ts;
  row.seq = seq;
  row.op = KV_OP_SET;
  kv_contest_begin(&contest, stmts());
  assert_rc(kv_contest_merge(&contest, &name, &row), SQLITE_OK);
  assert_rc(kv_contest_put(&contest), SQLITE_OK);
  kv_contest_clear(&contest);
}

static void a_row_that_is_merged_is_judged_at_its_place(void **state) {
  (void)state;
  logs();
  put("0", "'a'", 20, "phone", 20, 1);
  put("0", "'b'", 20, "phone", 21, 1);
  put("0", "'c'", 20, "phone", 22, 1);
  put("'t'", "'a'", 20, "phone", 23, 1);
  saw("phone", 19, "laptop", "l", 10);
  saw("laptop", 30, "phone", "p", 20);
  merge("laptop", "", "a", 10, 10);  /* before it, and the phone had seen it */
  merge("laptop", "", "a", 30, 30);  /* behind it, and the laptop had seen it */
  merge("phone", "", "a", 30, 30);   /* of the same device */
  merge("laptop", "", "new", 30, 5); /* nothing is there */
  test_rows(test_laptop.db, "", FOUND);
  merge("laptop", "", "b", 30, 31); /* it had not seen row 21 */
  merge("laptop", "", "c", 10, 11); /* the phone had not seen row 11 */
  merge("laptop", "t", "a", 10, 12);
  test_rows(test_laptop.db, ":b\n:c\nt:a", FOUND);
}

static void a_key_with_too_many_rows_counts_as_contested(void **state) {
  int i;

  (void)state;
  logs();
  for (i = 0; i < 40; i++)
    put("'t'", "'a'", 20 + i, "phone", 20 + i, 1);
  saw("laptop", 1, "phone", "p", 100);
  merge("laptop", "t", "a", 100, 1);
  test_rows(test_laptop.db, "t:a", FOUND);
}

static void many_writers_count_as_contested(void **state) {
  char name[] = "device-a";
  int i;

  (void)state;
  for (i = 0; i < KV_CONTEST_WRITERS + 1; i++) {
    name[7] = (char)('a' + i);
    log_of(name, "x", 1);
    put(i > 0 ? "1" : "0", "'k'", 100 - i, name, 1, 0);
  }
  judge_all();
  test_rows(test_laptop.db, ":k", FOUND);
}

/* As a host that was changed by hand may have it: no byte, and no pointer. */
static void a_device_without_a_name_is_one_writer(void **state) {
  kv_value nobody = {KV_TEXT, 0, 0, NULL, 0};
  kv_contest contest;

  (void)state;
  kv_contest_begin(&contest, stmts());
  assert_rc(kv_contest_row(&contest, &nobody, 2, KV_OP_SET), SQLITE_OK);
  assert_rc(kv_contest_row(&contest, &nobody, 1, KV_OP_SET), SQLITE_OK);
  assert_int_equal(contest.n_writers, 1);
  assert_int_equal(contest.is_contested, 0);
  kv_contest_clear(&contest);
}

static void a_writer_that_had_merged_all_is_not_apart(void **state) {
  int is_apart;

  (void)state;
  log_of("phone", "p", 50);
  log_of("laptop", "l", 100);
  saw("phone", 10, "laptop", "l", 90);
  saw("phone", 20, "laptop", "l", 100);
  saw("phone", 30, "laptop", "x", 100);
  assert_rc(kv_contest_is_apart(stmts(), "phone", 25, &is_apart), SQLITE_OK);
  assert_int_equal(is_apart, 0);
  assert_rc(kv_contest_is_apart(stmts(), "phone", 15, &is_apart), SQLITE_OK);
  assert_int_equal(is_apart, 1);
  assert_rc(kv_contest_is_apart(stmts(), "phone", 35, &is_apart), SQLITE_OK);
  assert_int_equal(is_apart, 1);
  log_of("empty", "e", 0);
  log_of("reader", "r", 2); /* it has no rows of keys */
  saw("reader", 1, "laptop", "l", 90);
  saw("reader", 2, "phone", "p", 50);
  assert_rc(kv_contest_is_apart(stmts(), "phone", 25, &is_apart), SQLITE_OK);
  assert_int_equal(is_apart, 0);
  log_of("reader", "r", 3);
  assert_rc(kv_contest_is_apart(stmts(), "phone", 25, &is_apart), SQLITE_OK);
  assert_int_equal(is_apart, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_with_laptop(a_value_that_a_later_writer_had_not_merged_is_contested),
    test_with_laptop(any_later_row_may_settle_it),
    test_with_laptop(what_was_seen_of_another_log_does_not_count),
    test_with_laptop(settled_keys_are_taken_out),
    test_with_laptop(a_row_that_is_merged_is_judged_at_its_place),
    test_with_laptop(a_key_with_too_many_rows_counts_as_contested),
    test_with_laptop(many_writers_count_as_contested),
    test_with_laptop(a_device_without_a_name_is_one_writer),
    test_with_laptop(a_writer_that_had_merged_all_is_not_apart),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
