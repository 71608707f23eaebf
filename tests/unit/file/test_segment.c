/*
** Claims about the names of sealed files (ext/file/segment.c).
*/
#include "file/segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const unsigned char an_id[KV_ID_SIZE] = {
  0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
  0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

#define PREFIX "log-00112233445566778899aabbccddeeff-"

static void a_name_has_the_id_and_the_last_row(void **state) {
  char name[KV_SEGMENT_NAME_SIZE];
  int64_t last = 0;

  (void)state;
  kv_segment_name(an_id, 6244, name);
  assert_string_equal(name, PREFIX "0000000000000006244.db");
  assert_int_equal(strlen(name), KV_SEGMENT_NAME_SIZE - 1);
  assert_true(kv_segment_is(name, an_id, &last));
  assert_int_equal(last, 6244);
  kv_segment_name(an_id, INT64_MAX, name);
  assert_string_equal(name, PREFIX "9223372036854775807.db");
  assert_true(kv_segment_is(name, an_id, &last));
  assert_true(last == INT64_MAX);
}

static void other_names_are_not_files_of_the_log(void **state) {
  static const char *const names[] = {
    "log.db",
    "",
    PREFIX "6244.db",
    PREFIX "0000000000000006244.DB",
    PREFIX "000000000000000624a.db",
    PREFIX "-000000000000006244.db",
    PREFIX "9223372036854775808.db",
    PREFIX "00000000000000006244.db",
    PREFIX "0000000000000006244.db~",
    "LOG-00112233445566778899aabbccddeeff-0000000000000006244.db",
    "log-00112233445566778899AABBCCDDEEFF-0000000000000006244.db",
    "log-00112233445566778899aabbccddeefe-0000000000000006244.db",
    "log 00112233445566778899aabbccddeeff-0000000000000006244.db"};
  int64_t last;
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    assert_false(kv_segment_is(names[i], an_id, &last));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_name_has_the_id_and_the_last_row),
    cmocka_unit_test(other_names_are_not_files_of_the_log),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
