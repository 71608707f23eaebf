/*
** A row is checked against the row before it, whatever a file says.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/row.h"
#include "support/rows.h"

/* Check a row with a correct sum after row `seq` of a transaction `txn`. */
static const char *check_after(int64_t seq, int64_t txn, kv_row row) {
  kv_row previous = a_row();

  previous.seq = seq;
  previous.txn = txn;
  previous.sum = 77;
  row.sum = kv_row_sum(77, &row);
  return kv_row_check(&previous, &row, 0);
}

static const char *check(kv_row row) {
  return check_after(0, 0, row);
}

static void a_row_that_follows_is_accepted(void **state) {
  kv_row row = a_row();

  (void)state;
  assert_null(check(row));
  row.txn = 5;
  assert_null(check(row));
  row.ts = KV_TS_MAX;
  row.parent_ts = integer(KV_TS_MAX);
  assert_null(check(row));
  row.ts = 0;
  row.parent_ts = integer(0);
  assert_null(check(row));
  row.op = KV_OP_DELETE;
  row.value = null_value();
  assert_null(check(row));
  row.op = KV_OP_SET;
  assert_null(check(row));
  row.key = text("");
  row.bucket = text("some");
  assert_null(check(row));
}

static void sequence_numbers_have_no_holes(void **state) {
  kv_row row = a_row();

  (void)state;
  row.seq = row.txn = 8;
  assert_null(check_after(7, 7, row));
  assert_string_equal(check_after(6, 6, row),
                      "its sequence number is not the next one");
  assert_string_equal(check_after(8, 8, row),
                      "its sequence number is not the next one");
  row.seq = row.txn = INT64_MIN;
  assert_string_equal(check_after(INT64_MAX, INT64_MAX, row),
                      "its sequence number is not the next one");
}

static void a_transaction_is_complete(void **state) {
  kv_row row = a_row();

  (void)state;
  row.seq = 8;
  row.txn = 9;
  assert_null(check_after(7, 9, row));
  assert_null(check_after(7, 7, row));
  assert_string_equal(check_after(7, 8, row),
                      "the transaction before it is not complete");
  assert_string_equal(check_after(7, 10, row),
                      "the transaction before it is not complete");
  row.txn = 7;
  assert_string_equal(check_after(7, 7, row), "its transaction ends before it");
}

static void times_are_in_range(void **state) {
  kv_row row = a_row();

  (void)state;
  row.ts = -1;
  assert_string_equal(check(row), "its time is out of range");
  row.ts = KV_TS_MAX + 1;
  assert_string_equal(check(row), "its time is out of range");
  row = a_row();
  row.parent_ts = integer(-1);
  assert_string_equal(check(row), "its parent's time is out of range");
  row.parent_ts = integer(KV_TS_MAX + 1);
  assert_string_equal(check(row), "its parent's time is out of range");
  row.parent_ts = real(1.0);
  assert_string_equal(check(row), "its parent's time is not an integer");
}

static void operations_are_known(void **state) {
  kv_row row = a_row();

  (void)state;
  row.op = 4;
  assert_string_equal(check(row), "its operation is unknown");
  row.op = -1;
  assert_string_equal(check(row), "its operation is unknown");
  row.op = 257;
  assert_string_equal(check(row), "its operation is unknown");
}

static void buckets_and_keys_have_their_types(void **state) {
  kv_row row = a_row();

  (void)state;
  row.bucket = blob("", 0);
  assert_string_equal(check(row), "its bucket is not text");
  row.bucket = null_value();
  assert_string_equal(check(row), "its bucket is not text");
  row = a_row();
  row.key = null_value();
  assert_string_equal(check(row), "its key is NULL");
}

static void a_deletion_has_no_value(void **state) {
  kv_row row = a_row();

  (void)state;
  row.op = KV_OP_DELETE;
  assert_string_equal(check(row), "it deletes its key and has a value");
}

static void an_acknowledgement_has_its_types(void **state) {
  static const char id_reason[] =
    "the log id that it acknowledges is not a blob of 16 bytes";
  kv_row row = a_seen_row();

  (void)state;
  assert_null(check(row));
  row.parent_ts = integer(INT64_MIN);
  assert_null(check(row));
  row.parent_ts = null_value();
  assert_string_equal(check(row),
                      "the checksum that it acknowledges is not an integer");
  row = a_seen_row();
  row.key.n = 15;
  assert_string_equal(check(row), id_reason);
  row = a_seen_row();
  row.key.type = KV_TEXT;
  assert_string_equal(check(row), id_reason);
  row = a_seen_row();
  row.value = real(7);
  assert_string_equal(
    check(row), "the sequence number that it acknowledges is not an integer");
}

static void a_changed_row_is_noticed(void **state) {
  kv_row previous = a_row();
  kv_row row = a_row();

  (void)state;
  previous.seq = previous.txn = 0;
  previous.sum = kv_row_base_sum("laptop", 6, an_id);
  row.sum = kv_row_sum(previous.sum, &row);
  assert_null(kv_row_check(&previous, &row, 0));
  row.value = text("Hallo");
  assert_string_equal(kv_row_check(&previous, &row, 0),
                      "its checksum does not match");
  row.value = text("Hello");
  previous.sum++;
  assert_string_equal(kv_row_check(&previous, &row, 0),
                      "its checksum does not match");
}

/* Check a row behind row `seq` of a log that was compacted up to row 10. */
static const char *check_hole(int64_t seq, int64_t txn, int64_t row_seq,
                              int64_t row_txn) {
  kv_row previous = a_row();
  kv_row row = a_row();

  previous.seq = seq;
  previous.txn = txn;
  row.seq = row_seq;
  row.txn = row_txn;
  return kv_row_check_form(&previous, &row, 10);
}

static void rows_may_be_missing_only_where_the_log_was_compacted(void **state) {
  static const char next[] = "its sequence number is not the next one";

  (void)state;
  assert_null(check_hole(0, 0, 1, 1));
  assert_null(check_hole(0, 0, 7, 10));
  assert_null(check_hole(7, 10, 9, 10));
  assert_null(check_hole(7, 10, 10, 10));
  assert_null(check_hole(4, 4, 11, 11)); /* none was kept of 5 to 10 */
  assert_null(check_hole(10, 10, 11, 12));
  assert_null(check_hole(11, 12, 12, 12));
  assert_string_equal(check_hole(7, 7, 7, 7), next);
  assert_string_equal(check_hole(7, 7, 6, 7), next);
  assert_string_equal(check_hole(4, 4, 12, 12), next);
  assert_string_equal(check_hole(10, 10, 12, 12), next);
  assert_string_equal(check_hole(11, 11, 13, 13), next);
  assert_string_equal(
    check_hole(8, 8, 9, 11),
    "its transaction ends behind the part that was compacted");
  assert_string_equal(check_hole(7, 9, 10, 10),
                      "the transaction before it is not complete");
  assert_string_equal(check_hole(7, 9, 10, 9),
                      "its transaction ends before it");
}

static void a_retirement_names_a_log_like_a_seen_row(void **state) {
  kv_row row = a_seen_row();

  (void)state;
  row.op = KV_OP_RETIRE;
  assert_null(check(row));
  row.value = text("7");
  assert_non_null(check(row));
  row = a_seen_row();
  row.op = KV_OP_RETIRE + 1;
  assert_string_equal(check(row), "its operation is unknown");
}

static void the_size_of_a_row_is_that_of_its_bytes(void **state) {
  kv_row row = a_row();

  (void)state;
  row.bucket = text("b");
  row.key = text("key");
  row.value = blob("12345", 5);
  assert_int_equal(kv_row_size(&row), 9);
  row.key = integer(7);
  assert_int_equal(kv_row_size(&row), 6);
  row.value = null_value();
  row.value.n = 5; /* of nothing */
  assert_int_equal(kv_row_size(&row), 1);
  row.value = blob("", 0);
  row.value.n = UINT32_MAX;
  assert_true(kv_row_size(&row) == UINT64_C(4294967296));
}

static void a_row_is_over_a_limit_by_one_byte(void **state) {
  kv_row row = {0};

  (void)state;
  row.bucket = text("b");
  row.key = text("");
  row.value = text("");
  row.key.n = KV_KEY_MAX - 1;
  row.value.n = KV_VALUE_MAX - KV_KEY_MAX;
  assert_int_equal(kv_row_excess(&row), KV_EXCESS_NONE);
  row.value.n++;
  assert_int_equal(kv_row_excess(&row), KV_EXCESS_ROW);
  row.key.n++;
  assert_int_equal(kv_row_excess(&row), KV_EXCESS_KEY);
  row.key = null_value();
  row.value = integer(1);
  assert_int_equal(kv_row_excess(&row), KV_EXCESS_NONE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(rows_may_be_missing_only_where_the_log_was_compacted),
    cmocka_unit_test(a_retirement_names_a_log_like_a_seen_row),
    cmocka_unit_test(a_row_that_follows_is_accepted),
    cmocka_unit_test(sequence_numbers_have_no_holes),
    cmocka_unit_test(a_transaction_is_complete),
    cmocka_unit_test(times_are_in_range),
    cmocka_unit_test(operations_are_known),
    cmocka_unit_test(buckets_and_keys_have_their_types),
    cmocka_unit_test(a_deletion_has_no_value),
    cmocka_unit_test(an_acknowledgement_has_its_types),
    cmocka_unit_test(a_changed_row_is_noticed),
    cmocka_unit_test(the_size_of_a_row_is_that_of_its_bytes),
    cmocka_unit_test(a_row_is_over_a_limit_by_one_byte),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
