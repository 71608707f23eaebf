#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "own/publish.h"
#include "store/write.h"
#include "support/rc.h"
#include "support/stores.h"

static const char rows[] =
  "SELECT key, value, ts - 1793491200000000, device, seq, op, parent_ts - "
  "1793491200000000 FROM kv_cache ORDER BY key, ts, device, seq";

static void open_memory(test_store *t) {
  test_store_open(t, ":memory:", "laptop");
}

/* Another device's row. */
static void merge(test_store *t, const char *key, int64_t ts, int op) {
  test_run(t->db,
           "INSERT INTO kv_cache(part, key, ts, device, seq, op, arrived, "
           "value) VALUES(0, %Q, %lld, 'phone', 1, %d, 1, 'theirs')",
           key, ts, op);
}

static int set(test_store *t, kv_value key, kv_value value,
               kv_on_conflict on_conflict) {
  sqlite3_free(t->err);
  t->err = NULL;
  return kv_write_set(t->store, &key, &value, on_conflict, &t->err);
}

static int move(test_store *t, const char *from, const char *to,
                const char *value, kv_on_conflict on_conflict) {
  kv_value a = test_text(from);
  kv_value b = test_text(to);
  kv_value v = test_text(value);

  sqlite3_free(t->err);
  t->err = NULL;
  return kv_write_rename(t->store, &a, &b, &v, on_conflict, &t->err);
}

static void a_write_is_one_row_with_a_number_and_a_time(void **state) {
  test_store t;

  (void)state;
  open_memory(&t);
  test_store_set(&t, "a", "1");
  test_store_set(&t, "a", "2");
  test_rows(t.db, "a|1|0|laptop|1|1|\na|2|1|laptop|2|1|0", rows);
  test_store_close(&t);
}

static void a_transaction_has_one_time(void **state) {
  test_store t;

  (void)state;
  open_memory(&t);
  test_run(t.db, "BEGIN");
  test_store_write(&t, "a", "1");
  test_store_write(&t, "b", "2");
  test_store_write(&t, "c", "3");
  assert_rc(test_store_commit(&t), SQLITE_OK);
  test_rows(t.db, "3|1", "SELECT count(*), count(DISTINCT ts) FROM kv_cache");
  test_store_close(&t);
}

static void a_key_set_twice_in_a_transaction_is_one_row(void **state) {
  test_store t;

  (void)state;
  open_memory(&t);
  test_store_set(&t, "a", "0");
  test_run(t.db, "BEGIN");
  test_store_write(&t, "a", "1");
  test_store_write(&t, "b", "2");
  test_store_write(&t, "a", "3");
  test_store_write(&t, "b", NULL);
  test_store_write(&t, "b", "4");
  assert_rc(test_store_commit(&t), SQLITE_OK);
  test_rows(t.db, "a|0|0|laptop|1|1|\na|3|1|laptop|2|1|0\nb|4|1|laptop|3|1|",
            rows);
  test_store_close(&t);
}

static void a_write_comes_after_what_it_replaces(void **state) {
  test_store t;

  (void)state;
  open_memory(&t);
  merge(&t, "mad", TEST_NOW + KV_CLOCK_AHEAD * 1000, KV_OP_SET);
  merge(&t, "old", TEST_NOW - 5, KV_OP_SET);
  test_run(t.db, "BEGIN");
  test_store_write(&t, "mad", "1");
  test_store_write(&t, "new", "2");
  test_store_write(&t, "old", "3");
  assert_rc(test_store_commit(&t), SQLITE_OK);
  test_rows(t.db, "mad|300000000001|300000000000\nnew|0|\nold|0|-5",
            "SELECT key, ts - 1793491200000000, parent_ts - 1793491200000000 "
            "FROM kv_cache WHERE device = 'laptop' ORDER BY key");
  test_store_close(&t);
}

static void a_key_cannot_be_set_at_the_end_of_time(void **state) {
  test_store t;

  (void)state;
  open_memory(&t);
  merge(&t, "last", KV_TS_MAX, KV_OP_SET);
  test_run(t.db, "BEGIN");
  assert_rc(test_store_write(&t, "last", "1"), SQLITE_ERROR);
  assert_non_null(strstr(t.err, "key last was written by device phone"));
  assert_rc(test_store_write(&t, "last", NULL), SQLITE_ERROR);
  assert_rc(test_store_write(&t, "other", "1"), SQLITE_OK);
  assert_rc(test_store_commit(&t), SQLITE_OK);
  test_rows(t.db, "other", "SELECT key FROM kv_cache WHERE device = 'laptop'");
  test_store_close(&t);
}

static void a_delete_tells_whether_the_key_existed(void **state) {
  kv_value key = test_text("a");
  test_store t;
  int existed;

  (void)state;
  open_memory(&t);
  test_store_set(&t, "a", "1");
  test_run(t.db, "BEGIN");
  assert_rc(kv_write_delete(t.store, &key, &existed, &t.err), SQLITE_OK);
  assert_true(existed);
  assert_rc(kv_write_delete(t.store, &key, &existed, &t.err), SQLITE_OK);
  assert_false(existed);
  key = test_text("never");
  assert_rc(kv_write_delete(t.store, &key, &existed, &t.err), SQLITE_OK);
  assert_false(existed);
  assert_rc(test_store_commit(&t), SQLITE_OK);
  test_rows(t.db, "a|1|0|laptop|1|1|\na||1|laptop|2|0|0", rows);
  test_store_close(&t);
}

static void a_null_key_is_refused(void **state) {
  test_store t;

  (void)state;
  open_memory(&t);
  assert_rc(set(&t, test_null(), test_integer(1), KV_CONFLICT_SET),
            SQLITE_CONSTRAINT_NOTNULL);
  assert_string_equal(t.err, "NOT NULL constraint failed: kv.key");
  test_rows(t.db, "", rows);
  assert_int_equal(t.store->txn->pending.n_rows, 0);
  test_store_close(&t);
}

static void a_conflict_writes_nothing(void **state) {
  test_store t;

  (void)state;
  open_memory(&t);
  test_store_set(&t, "a", "1");
  test_store_set(&t, "gone", "1");
  test_store_delete(&t, "gone");
  test_run(t.db, "BEGIN");
  assert_rc(set(&t, test_text("a"), test_integer(2), KV_CONFLICT_FAIL) & 0xff,
            SQLITE_CONSTRAINT);
  assert_rc(set(&t, test_text("a"), test_integer(2), KV_CONFLICT_IGNORE) & 0xff,
            SQLITE_CONSTRAINT);
  assert_int_equal(t.store->txn->pending.n_rows, 0);
  /* a deleted key does not conflict */
  assert_rc(set(&t, test_text("gone"), test_integer(2), KV_CONFLICT_FAIL),
            SQLITE_OK);
  assert_rc(test_store_commit(&t), SQLITE_OK);
  test_rows(
    t.db, "a|1\ngone|2",
    "SELECT key, value FROM kv_cache AS c WHERE op = 1 AND ts = (SELECT "
    "max(ts) FROM kv_cache AS d WHERE d.key = c.key) ORDER BY key");
  test_store_close(&t);
}

static void a_renamed_key_is_one_delete_and_one_set(void **state) {
  test_store t;

  (void)state;
  open_memory(&t);
  test_store_set(&t, "a", "1");
  test_store_set(&t, "c", "3");
  test_run(t.db, "BEGIN");
  assert_rc(move(&t, "a", "b", "2", KV_CONFLICT_FAIL), SQLITE_OK);
  assert_rc(move(&t, "b", "c", "4", KV_CONFLICT_FAIL) & 0xff,
            SQLITE_CONSTRAINT);
  assert_rc(test_store_commit(&t), SQLITE_OK);
  test_rows(t.db,
            "a|1|0|laptop|1|1|\na||2|laptop|3|0|0\nb|2|2|laptop|4|1|\n"
            "c|3|1|laptop|2|1|",
            rows);
  test_store_close(&t);
}

static void a_rename_may_replace_another_key(void **state) {
  test_store t;

  (void)state;
  open_memory(&t);
  test_store_set(&t, "a", "1");
  test_store_set(&t, "b", "2");
  test_run(t.db, "BEGIN");
  assert_rc(move(&t, "a", "b", "3", KV_CONFLICT_SET), SQLITE_OK);
  assert_rc(test_store_commit(&t), SQLITE_OK);
  test_rows(t.db, "a||3|0\nb|3|4|1",
            "SELECT key, value, seq, op FROM kv_cache WHERE seq > 2 "
            "ORDER BY seq");
  test_store_close(&t);
}

static void
a_key_renamed_back_and_forth_is_numbered_without_holes(void **state) {
  test_store t;

  (void)state;
  open_memory(&t);
  test_run(t.db, "BEGIN");
  test_store_write(&t, "a", "1");
  assert_rc(move(&t, "a", "b", "2", KV_CONFLICT_FAIL), SQLITE_OK);
  assert_rc(move(&t, "b", "a", "3", KV_CONFLICT_FAIL), SQLITE_OK);
  assert_rc(test_store_commit(&t), SQLITE_OK);
  test_rows(t.db, "a|3|0|laptop|1|1|\nb||0|laptop|2|0|", rows);
  test_store_close(&t);
}

static void one_and_one_point_zero_are_one_key(void **state) {
  kv_value one = test_integer(1);
  kv_value real = test_real(1.0);
  kv_value value = test_text("x");
  test_store t;

  (void)state;
  open_memory(&t);
  test_run(t.db, "BEGIN");
  assert_rc(set(&t, one, value, KV_CONFLICT_SET), SQLITE_OK);
  assert_rc(
    kv_write_rename(t.store, &one, &real, &value, KV_CONFLICT_FAIL, &t.err),
    SQLITE_OK);
  assert_rc(set(&t, test_text("1"), value, KV_CONFLICT_FAIL), SQLITE_OK);
  assert_rc(test_store_commit(&t), SQLITE_OK);
  test_rows(t.db, "real|1\ntext|2",
            "SELECT typeof(key), seq FROM kv_cache ORDER BY seq");
  test_store_close(&t);
}

static void an_observer_cannot_write(void **state) {
  kv_options options = {":memory:", NULL, TEST_NOW, 0, 0, KV_AS_BEFORE, 0};
  test_store t;
  kv_store *eyes = NULL;
  kv_value key = test_text("a");

  (void)state;
  open_memory(&t);
  assert_rc(
    kv_store_open(t.registry, "main", "eyes", &options, 1, &eyes, &t.err),
    SQLITE_OK);
  assert_rc(kv_write_set(eyes, &key, &key, KV_CONFLICT_SET, &t.err),
            SQLITE_READONLY);
  assert_non_null(strstr(t.err, "is open as an observer"));
  kv_store_close(eyes);
  test_store_close(&t);
}

/* Make the cache refuse rows of this key. */
static void refuse(test_store *t, const char *key) {
  test_run(t->db,
           "CREATE TEMP TRIGGER no BEFORE INSERT ON main.kv_cache "
           "WHEN new.key = '%q' BEGIN SELECT RAISE(FAIL, 'no room'); END",
           key);
}

static void a_write_that_fails_is_not_remembered(void **state) {
  test_store t;

  (void)state;
  open_memory(&t);
  test_run(t.db, "BEGIN");
  refuse(&t, "b");
  assert_rc(test_store_write(&t, "b", "2") & 0xff, SQLITE_CONSTRAINT);
  assert_int_equal(t.store->txn->pending.n_rows, 0);
  test_run(t.db, "DROP TRIGGER no");
  assert_rc(test_store_write(&t, "c", "3"), SQLITE_OK);
  assert_rc(test_store_commit(&t), SQLITE_OK);
  test_rows(t.db, "c|3|0|laptop|1|1|", rows);
  test_store_close(&t);
}

static void later_rows_are_written_when_they_are_asked_for(void **state) {
  test_store t;

  (void)state;
  open_memory(&t);
  test_run(t.db, "BEGIN");
  assert_rc(test_store_write(&t, "c", "1"), SQLITE_OK);
  assert_rc(test_store_write(&t, "b", "2"), SQLITE_OK);
  assert_rc(test_store_write(&t, "a", "3"), SQLITE_OK);
  assert_rc(test_store_write(&t, "b", "4"), SQLITE_OK);
  test_rows(t.db, "c|1|0|laptop|1|1|", rows);
  assert_rc(kv_write_flush(t.store, &t.err), SQLITE_OK);
  test_rows(t.db, "a|3|0|laptop|3|1|\nb|4|0|laptop|2|1|\nc|1|0|laptop|1|1|",
            rows);
  assert_rc(test_store_commit(&t), SQLITE_OK);
  test_store_close(&t);
}

static void a_large_value_takes_the_place_of_a_later_row(void **state) {
  char value[KV_PENDING_COPY + 2];
  test_store t;

  (void)state;
  memset(value, 'x', sizeof(value) - 1);
  value[sizeof(value) - 1] = '\0';
  open_memory(&t);
  test_run(t.db, "BEGIN");
  assert_rc(test_store_write(&t, "a", "1"), SQLITE_OK);
  assert_rc(test_store_write(&t, "b", "2"), SQLITE_OK);
  assert_rc(test_store_write(&t, "b", value), SQLITE_OK);
  assert_rc(test_store_write(&t, "c", "3"), SQLITE_OK);
  assert_rc(test_store_commit(&t), SQLITE_OK);
  test_rows(t.db, "a|1\nb|1025\nc|1",
            "SELECT key, length(value) FROM main.kv_cache");
  test_store_close(&t);
}

static void rows_that_cannot_be_written_stay_late(void **state) {
  test_store t;

  (void)state;
  open_memory(&t);
  test_run(t.db, "BEGIN");
  assert_rc(test_store_write(&t, "a", "1"), SQLITE_OK);
  assert_rc(test_store_write(&t, "c", "2"), SQLITE_OK);
  assert_rc(test_store_write(&t, "b", "3"), SQLITE_OK);
  refuse(&t, "c");
  assert_rc(kv_write_flush(t.store, &t.err) & 0xff, SQLITE_CONSTRAINT);
  assert_non_null(strstr(t.err, "no room"));
  assert_rc(test_store_commit(&t) & 0xff, SQLITE_CONSTRAINT);
  test_run(t.db, "DROP TRIGGER no");
  assert_rc(test_store_commit(&t), SQLITE_OK);
  test_rows(t.db, "a|1|0|laptop|1|1|\nb|3|0|laptop|3|1|\nc|2|0|laptop|2|1|",
            rows);
  test_store_close(&t);
}

static void own_time_never_goes_back(void **state) {
  test_store t;

  (void)state;
  open_memory(&t);
  test_store_set(&t, "a", "1");
  t.store->fixed_now = TEST_NOW - 1000000;
  test_store_set(&t, "b", "2");
  t.store->fixed_now = TEST_NOW + 50;
  test_store_set(&t, "c", "3");
  test_rows(t.db, "0\n1\n50",
            "SELECT ts - 1793491200000000 FROM kv_cache ORDER BY seq");
  test_store_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_write_is_one_row_with_a_number_and_a_time),
    cmocka_unit_test(a_transaction_has_one_time),
    cmocka_unit_test(a_key_set_twice_in_a_transaction_is_one_row),
    cmocka_unit_test(a_write_comes_after_what_it_replaces),
    cmocka_unit_test(a_key_cannot_be_set_at_the_end_of_time),
    cmocka_unit_test(a_delete_tells_whether_the_key_existed),
    cmocka_unit_test(a_null_key_is_refused),
    cmocka_unit_test(a_conflict_writes_nothing),
    cmocka_unit_test(a_renamed_key_is_one_delete_and_one_set),
    cmocka_unit_test(a_rename_may_replace_another_key),
    cmocka_unit_test(a_key_renamed_back_and_forth_is_numbered_without_holes),
    cmocka_unit_test(one_and_one_point_zero_are_one_key),
    cmocka_unit_test(an_observer_cannot_write),
    cmocka_unit_test(a_write_that_fails_is_not_remembered),
    cmocka_unit_test(later_rows_are_written_when_they_are_asked_for),
    cmocka_unit_test(a_large_value_takes_the_place_of_a_later_row),
    cmocka_unit_test(rows_that_cannot_be_written_stay_late),
    cmocka_unit_test(own_time_never_goes_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
