#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cache/cache.h"
#include "cache/log_cursor.h"
#include "support/files.h"
#include "support/rc.h"
#include "support/stores.h"

static void put(test_store *t, const char *key, int64_t ts, const char *device,
                int64_t seq, int op) {
  test_run(t->db,
           "INSERT INTO kv_cache(part, key, ts, device, seq, op, arrived, "
           "value) VALUES(0, %Q, %lld, %Q, %lld, %d, 1, %Q)",
           key, ts, device, seq, op, op ? device : NULL);
}

static kv_winner find(test_store *t, const char *key) {
  kv_value k = test_text(key);
  kv_winner winner;

  assert_rc(kv_cache_find(&t->store->stmts, &k, &winner), SQLITE_OK);
  return winner;
}

/* The value of a key now, or at a time; "-" if it does not exist. */
static char *get(test_store *t, const char *key, int64_t as_of) {
  kv_sql id = as_of < 0 ? KV_SQL_CACHE_VALUE : KV_SQL_CACHE_ROW;
  kv_value k = test_text(key);
  sqlite3_value *value = NULL;
  static char out[100];
  kv_run run;

  assert_rc(kv_cache_get(&run, &t->store->stmts, id, &k, as_of, NULL, &value),
            SQLITE_OK);
  assert_true(!run.stmt == !value);
  sqlite3_snprintf(sizeof(out), out, "%s",
                   value ? sqlite3_value_text(value)
                         : (const unsigned char *)"-");
  kv_run_close(&run);
  return out;
}

static void the_shadow_tables_are_made_and_dropped(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  test_rows(
    t.db,
    "kv_arrival\nkv_cache\nkv_contested\nkv_cursor\nkv_former\nkv_large\nkv_meta\n"
    "kv_seen",
    "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1");
  assert_rc(kv_cache_index(&t.store->stmts), SQLITE_OK);
  test_rows(t.db, "kv_cache",
            "SELECT tbl_name FROM sqlite_master WHERE type = 'index'");
  assert_rc(kv_cache_drop(&t.store->stmts), SQLITE_OK);
  test_rows(t.db, "", "SELECT name FROM sqlite_master");
  assert_rc(kv_cache_drop(&t.store->stmts), SQLITE_OK);
  assert_rc(kv_cache_create(&t.store->stmts), SQLITE_OK);
  test_rows(t.db, "8",
            "SELECT count(*) FROM sqlite_master WHERE type = 'table'");
  test_store_close(&t);
}

static void a_cache_of_another_format_is_not_used(void **state) {
  test_store t;
  kv_meta meta;
  int is_usable;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  assert_rc(kv_cache_check(&t.store->stmts, &is_usable, &meta), SQLITE_OK);
  assert_true(is_usable && !meta.is_indexed);
  assert_rc(kv_cache_index(&t.store->stmts), SQLITE_OK);
  assert_rc(kv_cache_check(&t.store->stmts, &is_usable, &meta), SQLITE_OK);
  assert_true(meta.is_indexed);
  assert_true(is_usable);
  test_run(t.db, "UPDATE kv_meta SET format = format + 1");
  assert_rc(kv_cache_check(&t.store->stmts, &is_usable, &meta), SQLITE_OK);
  assert_false(is_usable);
  test_run(t.db, "DROP TABLE kv_meta");
  kv_stmt_clear(&t.store->stmts);
  assert_rc(kv_cache_check(&t.store->stmts, &is_usable, &meta), SQLITE_OK);
  assert_false(is_usable);
  test_store_close(&t);
}

static void every_epoch_is_different(void **state) {
  test_store t;
  kv_meta a;
  kv_meta b;
  int is_usable;
  int i;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  assert_rc(kv_cache_index(&t.store->stmts), SQLITE_OK);
  kv_cache_check(&t.store->stmts, &is_usable, &a);
  for (i = 0; i < 1000; i++) {
    assert_rc(kv_cache_begin_epoch(&t.store->stmts), SQLITE_OK);
    kv_cache_check(&t.store->stmts, &is_usable, &b);
    assert_true(b.epoch >= 0 && b.epoch < 1 << 20);
    assert_true(a.epoch != b.epoch);
    assert_true(b.is_indexed);
    a = b;
  }
  test_rows(t.db, "1", "SELECT count(*) FROM kv_meta");
  test_store_close(&t);
}

static void shadow_tables_are_renamed_with_their_rows(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  put(&t, "a", 1, "laptop", 1, KV_OP_SET);
  assert_rc(kv_cache_rename(&t.store->stmts, "it's \"new\""), SQLITE_OK);
  test_rows(t.db, "a", "SELECT key FROM \"it's \"\"new\"\"_cache\"");
  test_rows(t.db, "8",
            "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name "
            "GLOB 'it''s \"new\"_*'");
  t.store->stmts.name = "it's \"new\"";
  assert_rc(kv_cache_drop(&t.store->stmts), SQLITE_OK);
  t.store->stmts.name = t.store->name;
  test_store_close(&t);
}

static void the_latest_row_wins(void **state) {
  test_store t;
  kv_winner winner;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  assert_false(find(&t, "a").is_found);
  assert_int_equal(find(&t, "a").ts, -1);
  put(&t, "a", 100, "phone", 1, KV_OP_SET);
  put(&t, "a", 300, "laptop", 7, KV_OP_SET);
  put(&t, "a", 200, "zebra", 9, KV_OP_SET);
  put(&t, "b", 400, "zebra", 10, KV_OP_SET);
  winner = find(&t, "a");
  assert_true(winner.is_found);
  assert_int_equal(winner.op, KV_OP_SET);
  assert_int_equal(winner.ts, 300);
  assert_int_equal(winner.seq, 7);
  assert_string_equal(winner.device, "laptop");
  assert_string_equal(get(&t, "a", -1), "laptop");
  test_store_close(&t);
}

static void equal_times_are_decided_by_device_then_number(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  put(&t, "a", 100, "b", 1, KV_OP_SET);
  put(&t, "a", 100, "B", 9, KV_OP_SET);
  put(&t, "a", 100, "ab", 9, KV_OP_SET);
  assert_string_equal(find(&t, "a").device, "b");
  put(&t, "a", 100, "b", 2, KV_OP_DELETE);
  assert_int_equal(find(&t, "a").seq, 2);
  assert_string_equal(get(&t, "a", -1), "-");
  test_store_close(&t);
}

static void a_deleted_key_does_not_exist(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  put(&t, "a", 100, "phone", 1, KV_OP_SET);
  put(&t, "a", 200, "laptop", 1, KV_OP_DELETE);
  assert_true(find(&t, "a").is_found);
  assert_int_equal(find(&t, "a").op, KV_OP_DELETE);
  assert_string_equal(get(&t, "a", -1), "-");
  assert_string_equal(get(&t, "a", 200), "-");
  assert_string_equal(get(&t, "a", 199), "phone");
  assert_string_equal(get(&t, "a", 100), "phone");
  assert_string_equal(get(&t, "a", 99), "-");
  test_store_close(&t);
}

static void other_buckets_are_kept_and_not_found(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  test_run(t.db, "INSERT INTO kv_cache(part, key, ts, device, seq, "
                 "op, arrived, value) VALUES('b', 'a', 1, 'x', 1, 1, 1, 1)");
  assert_false(find(&t, "a").is_found);
  assert_string_equal(get(&t, "a", -1), "-");
  test_store_close(&t);
}

/* Merge a log of two sets, a delete and a seen row. */
static kv_reader *open_log(test_store *t, void **state, kv_stretch *stretch) {
  const char *path = test_path("%s/log.db", *state);
  kv_verdict verdict = {KV_STATE_OK, NULL};
  kv_reader *reader = NULL;
  test_log log;

  test_log_begin(&log, path, "phone", 1);
  log.row.txn = 3;
  log.row.ts = 100;
  log.row.op = KV_OP_SEEN;
  log.row.parent_ts = test_integer(55);
  log.row.bucket = test_text("laptop");
  log.row.key = test_blob("0123456789abcdef", KV_ID_SIZE);
  log.row.value = test_integer(5);
  test_log_write(&log);
  test_log_set(&log, 100, "a", "1", 1);
  test_log_set(&log, 100, "b", "2", 0);
  test_log_set(&log, 200, "a", NULL, 0);
  test_log_end(&log);
  assert_rc(kv_reader_open(t->db, path, "phone", &reader, &verdict), SQLITE_OK);
  assert_rc(kv_reader_verify(reader, kv_reader_head(reader)->base, INT64_MAX,
                             NULL, stretch),
            SQLITE_OK);
  assert_int_equal(stretch->end.seq, 4);
  return reader;
}

static void a_merge_takes_every_row_of_a_log(void **state) {
  test_store t;
  kv_stretch stretch;
  kv_reader *reader;

  test_store_open(&t, ":memory:", "laptop");
  reader = open_log(&t, state, &stretch);
  assert_rc(kv_cache_merge(&t.store->stmts, reader,
                           kv_reader_head(reader)->base, &stretch, 9),
            SQLITE_OK);
  test_rows(t.db,
            "0|a|200|phone|4|4||0|9|\n0|b|100|phone|3|3||1|9|2\n"
            "1|a|100|phone|2|3||1|9|1",
            "SELECT part, key, ts, device, seq, txn, parent_ts, op, "
            "arrived, value FROM kv_cache");
  test_rows(t.db, "phone|laptop|1|3|100|0123456789abcdef|5|55",
            "SELECT device, peer, seq, txn, ts, CAST(peer_id AS TEXT), "
            "peer_seq, peer_sum FROM kv_seen");
  test_rows(t.db, "9|phone|2|3|100|100\n10|phone|4|4|200|200",
            "SELECT * FROM kv_arrival");
  kv_reader_close(reader);
  test_store_close(&t);
}

static void merging_again_changes_nothing(void **state) {
  test_store t;
  kv_stretch stretch;
  kv_reader *reader;
  char *a;
  char *b;
  int i;

  test_store_open(&t, ":memory:", "laptop");
  reader = open_log(&t, state, &stretch);
  a = b = NULL;
  for (i = 0; i < 2; i++) {
    assert_rc(kv_cache_merge(&t.store->stmts, reader,
                             kv_reader_head(reader)->base, &stretch, 9 + i),
              SQLITE_OK);
    sqlite3_free(a);
    a = b;
    b = test_ask(t.db, "SELECT * FROM kv_cache; SELECT * FROM kv_seen");
  }
  assert_string_equal(a, b);
  sqlite3_free(a);
  sqlite3_free(b);
  kv_reader_close(reader);
  test_store_close(&t);
}

static void a_log_that_changed_since_it_was_verified_is_reported(void **state) {
  test_store t;
  kv_stretch stretch;
  kv_reader *reader;

  test_store_open(&t, ":memory:", "laptop");
  reader = open_log(&t, state, &stretch);
  stretch.end.sum++;
  assert_rc(kv_cache_merge(&t.store->stmts, reader,
                           kv_reader_head(reader)->base, &stretch, 9),
            SQLITE_CORRUPT_VTAB);
  stretch.end.sum--;
  stretch.end.seq++;
  assert_rc(kv_cache_merge(&t.store->stmts, reader,
                           kv_reader_head(reader)->base, &stretch, 9),
            SQLITE_CORRUPT_VTAB);
  kv_reader_close(reader);
  test_store_close(&t);
}

static void forgetting_a_device_begins_an_epoch(void **state) {
  test_store t;
  kv_stretch stretch;
  kv_reader *reader;
  char *a;
  char *b;

  test_store_open(&t, ":memory:", "laptop");
  reader = open_log(&t, state, &stretch);
  kv_cache_merge(&t.store->stmts, reader, kv_reader_head(reader)->base,
                 &stretch, 9);
  kv_reader_close(reader);
  put(&t, "a", 1, "laptop", 1, KV_OP_SET);
  a = test_ask(t.db, "SELECT epoch FROM kv_meta");
  test_run(t.db, "BEGIN");
  assert_rc(kv_cache_forget(&t.store->stmts, "phone"), SQLITE_OK);
  test_run(t.db, "COMMIT");
  b = test_ask(t.db, "SELECT epoch FROM kv_meta");
  assert_string_not_equal(a, b);
  test_rows(t.db, "laptop", "SELECT device FROM kv_cache");
  test_rows(t.db, "0", "SELECT count(*) FROM kv_seen");
  test_rows(t.db, "0", "SELECT count(*) FROM kv_arrival");
  sqlite3_free(a);
  sqlite3_free(b);
  test_store_close(&t);
}

static void arrivals_are_numbered(void **state) {
  const kv_span span = {1, 2, 100, 200};
  test_store t;
  int64_t last;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  assert_rc(kv_cache_last_arrival(&t.store->stmts, &last), SQLITE_OK);
  assert_int_equal(last, 0);
  kv_cache_put_arrival(&t.store->stmts, 5, "phone", &span);
  assert_rc(kv_cache_last_arrival(&t.store->stmts, &last), SQLITE_OK);
  assert_int_equal(last, 5);
  test_rows(t.db, "5|phone|1|2|100|200", "SELECT * FROM kv_arrival");
  test_store_close(&t);
}

static void rows_with_new_numbers_arrive_again(void **state) {
  const kv_span old = {1, 2, 100, 200};
  const kv_span new = {1, 4, 50, 200};
  test_store t;
  char *a;
  char *b;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  kv_cache_put_arrival(&t.store->stmts, 5, "laptop", &old);
  kv_cache_put_arrival(&t.store->stmts, 6, "phone", &old);
  a = test_ask(t.db, "SELECT epoch FROM kv_meta");
  assert_rc(kv_cache_arrive_again(&t.store->stmts, "laptop", &new), SQLITE_OK);
  b = test_ask(t.db, "SELECT epoch FROM kv_meta");
  assert_string_not_equal(a, b);
  test_rows(t.db, "6|phone|1|2|100|200\n7|laptop|1|4|50|200",
            "SELECT * FROM kv_arrival");
  sqlite3_free(a);
  sqlite3_free(b);
  test_store_close(&t);
}

static void rows_of_a_device_are_counted(void **state) {
  test_store t;
  int64_t n;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  put(&t, "a", 1, "phone", 1, KV_OP_SET);
  put(&t, "a", 2, "phone", 2, KV_OP_DELETE);
  put(&t, "b", 1, "laptop", 1, KV_OP_SET);
  assert_rc(kv_cache_count(&t.store->stmts, "phone", &n), SQLITE_OK);
  assert_int_equal(n, 2);
  assert_rc(kv_cache_count(&t.store->stmts, "nobody", &n), SQLITE_OK);
  assert_int_equal(n, 0);
  test_store_close(&t);
}

static void the_clock_counts_up_to_a_limit(void **state) {
  static const int64_t times[] = {100, 300, 200};
  test_store t;
  int64_t latest;
  int i;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  assert_rc(kv_cache_latest(&t.store->stmts, 1000, &latest), SQLITE_OK);
  assert_int_equal(latest, -1);
  for (i = 0; i < 3; i++) {
    kv_log_cursor cursor = {.last_ts = times[i]};

    sqlite3_snprintf(sizeof(cursor.device), cursor.device, "d%d", i);
    assert_rc(kv_log_cursor_save(&t.store->stmts, &cursor), SQLITE_OK);
  }
  kv_cache_latest(&t.store->stmts, 1000, &latest);
  assert_int_equal(latest, 300);
  kv_cache_latest(&t.store->stmts, 300, &latest);
  assert_int_equal(latest, 300);
  kv_cache_latest(&t.store->stmts, 299, &latest);
  assert_int_equal(latest, 200);
  kv_cache_latest(&t.store->stmts, 99, &latest);
  assert_int_equal(latest, -1);
  test_store_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(the_shadow_tables_are_made_and_dropped),
    test_in_folder(a_cache_of_another_format_is_not_used),
    test_in_folder(every_epoch_is_different),
    test_in_folder(shadow_tables_are_renamed_with_their_rows),
    test_in_folder(the_latest_row_wins),
    test_in_folder(equal_times_are_decided_by_device_then_number),
    test_in_folder(a_deleted_key_does_not_exist),
    test_in_folder(other_buckets_are_kept_and_not_found),
    test_in_folder(a_merge_takes_every_row_of_a_log),
    test_in_folder(merging_again_changes_nothing),
    test_in_folder(a_log_that_changed_since_it_was_verified_is_reported),
    test_in_folder(forgetting_a_device_begins_an_epoch),
    test_in_folder(arrivals_are_numbered),
    test_in_folder(rows_with_new_numbers_arrive_again),
    test_in_folder(rows_of_a_device_are_counted),
    test_in_folder(the_clock_counts_up_to_a_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
