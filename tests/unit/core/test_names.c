/*
** Dates are checked against SQLite's own date functions, every day of the
** valid range.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "core/clock.h"
#include "core/names.h"
#include "support/rc.h"

#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

/* 2026-11-01 00:00:00 */
#define NOVEMBER INT64_C(1793491200000000)

static const char *check(const char *name) {
  return kv_name_check(name, strlen(name));
}

static void names_of_allowed_characters_are_accepted(void **state) {
  (void)state;
  assert_null(check("laptop"));
  assert_null(check("a"));
  assert_null(check("My-Phone_2.home"));
  assert_null(check("-"));
  assert_null(check("_"));
  assert_null(check("0"));
  assert_null(check("a..b"));
}

static void names_of_other_characters_are_refused(void **state) {
  static const char reason[] = "use only letters A-Z a-z, digits and . _ -";

  (void)state;
  assert_string_equal(check("a b"), reason);
  assert_string_equal(check("a/b"), reason);
  assert_string_equal(check("a\\b"), reason);
  assert_string_equal(check("a:b"), reason);
  assert_string_equal(check("caf\xc3\xa9"), reason);
  assert_string_equal(check("a@"), reason);
  assert_string_equal(check("a["), reason);
  assert_string_equal(check("a`"), reason);
  assert_string_equal(check("a{"), reason);
  assert_string_equal(kv_name_check("a\0b", 3), reason);
}

static void names_have_1_to_64_characters(void **state) {
  char name[65];

  (void)state;
  memset(name, 'n', sizeof(name));
  assert_string_equal(kv_name_check(name, 0), "use at least 1 character");
  assert_null(kv_name_check(name, 64));
  assert_string_equal(kv_name_check(name, 65), "use at most 64 characters");
}

static void dots_are_inside_names_only(void **state) {
  (void)state;
  assert_string_equal(check(".a"), "it starts with a dot");
  assert_string_equal(check("."), "it starts with a dot");
  assert_string_equal(check(".."), "it starts with a dot");
  assert_string_equal(check("a."), "it ends with a dot");
}

static void names_that_windows_reserves_are_refused(void **state) {
  static const char *const reserved[] = {
    "con",  "CON",  "Prn", "aux",     "nul",      "com0",      "COM9",
    "lpt1", "LPT0", "nUl", "nul.txt", "com1.a.b", "con.tar.gz"};
  static const char *const others[] = {"conn",  "co",   "com",   "com10",
                                       "coma",  "lpt",  "nul_",  "console",
                                       "a.nul", "null", "lpt-1", "xcom1"};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(reserved) / sizeof(*reserved); i++) {
    assert_string_equal(check(reserved[i]),
                        "Windows reserves it, like con and nul");
  }
  for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
    assert_null(check(others[i]));
  }
}

static void names_that_differ_in_case_are_found(void **state) {
  (void)state;
  assert_true(kv_name_same_nocase("laptop", "laptop"));
  assert_true(kv_name_same_nocase("Laptop", "lAPTOP"));
  assert_true(kv_name_same_nocase("", ""));
  assert_false(kv_name_same_nocase("laptop", "laptop2"));
  assert_false(kv_name_same_nocase("laptop2", "laptop"));
  assert_false(kv_name_same_nocase("a@", "a`"));
  assert_false(kv_name_same_nocase("a-", "a_"));
}

static void assert_text(int64_t ts, const char *expected) {
  char text[KV_TIME_SIZE];

  kv_time_format(ts, text);
  assert_string_equal(text, expected);
}

static void times_are_written_as_sqlite_writes_them(void **state) {
  (void)state;
  assert_text(0, "1970-01-01 00:00:00.000");
  assert_text(NOVEMBER, "2026-11-01 00:00:00.000");
  assert_text(NOVEMBER + 13 * HOUR + 5 * 60 * SECOND + 9 * SECOND + 87654,
              "2026-11-01 13:05:09.087");
  assert_text(NOVEMBER - 1, "2026-10-31 23:59:59.999");
  assert_text(KV_TS_MAX, "2255-06-05 23:47:34.740");
}

static void times_out_of_range_are_written_as_nothing(void **state) {
  (void)state;
  assert_text(-1, "");
  assert_text(KV_TS_MAX + 1, "");
  assert_text(INT64_MIN, "");
  assert_text(INT64_MAX, "");
}

static void every_day_agrees_with_sqlite(void **state) {
  char text[KV_TIME_SIZE];
  sqlite3 *db;
  sqlite3_stmt *stmt;
  int64_t day, ts, last;

  (void)state;
  assert_rc(sqlite3_open(":memory:", &db), SQLITE_OK);
  assert_rc(
    sqlite3_prepare_v2(db, "SELECT date(?1, 'unixepoch')", -1, &stmt, NULL),
    SQLITE_OK);
  for (day = 0; day <= KV_TS_MAX / DAY; day++) {
    sqlite3_bind_int64(stmt, 1, day * 86400);
    assert_rc(sqlite3_step(stmt), SQLITE_ROW);
    kv_time_format(day * DAY, text);
    assert_memory_equal(text, sqlite3_column_text(stmt, 0), 10);
    assert_null(kv_time_parse(text, 10, &ts, &last));
    assert_int_equal(ts, day * DAY);
    sqlite3_reset(stmt);
  }
  sqlite3_finalize(stmt);
  sqlite3_close(db);
}

static void what_is_written_is_read_back(void **state) {
  char text[KV_TIME_SIZE], previous[KV_TIME_SIZE] = "";
  int64_t ts, again, last;

  (void)state;
  for (ts = 0; ts <= KV_TS_MAX; ts += INT64_C(45678901234567)) {
    kv_time_format(ts, text);
    assert_true(strcmp(previous, text) < 0);
    assert_null(kv_time_parse(text, strlen(text), &again, &last));
    assert_int_equal(again, ts / 1000 * 1000);
    assert_int_equal(last, ts / 1000 * 1000 + 999);
    strcpy(previous, text);
  }
}

static void milliseconds_follow_one_another_as_text(void **state) {
  char text[KV_TIME_SIZE], previous[KV_TIME_SIZE] = "";
  int64_t ts;

  (void)state;
  for (ts = NOVEMBER - 2 * SECOND; ts < NOVEMBER + 62 * SECOND; ts += 1000) {
    kv_time_format(ts, text);
    assert_true(strcmp(previous, text) < 0);
    strcpy(previous, text);
  }
}

/* Assert that a text means ts, or the millisecond that begins there. */
static void assert_time(const char *z, int64_t expected, int64_t length) {
  int64_t ts = -1, last = -1;

  assert_null(kv_time_parse(z, strlen(z), &ts, &last));
  assert_int_equal(ts, expected);
  assert_int_equal(last, expected + length - 1);
}

static void times_are_read_in_every_form(void **state) {
  int64_t minute = NOVEMBER + 12 * HOUR + 34 * 60 * SECOND;

  (void)state;
  assert_time("2026-11-01", NOVEMBER, 1000);
  assert_time("2026-11-01 12:34", minute, 1000);
  assert_time("2026-11-01T12:34", minute, 1000);
  assert_time("2026-11-01 12:34:56", minute + 56 * SECOND, 1000);
  assert_time("2026-11-01 12:34:56.7", minute + 56700000, 1000);
  assert_time("2026-11-01T12:34:56.789", minute + 56789000, 1000);
  assert_time("2026-11-01 12:34:56.7890", minute + 56789000, 1);
  assert_time("2026-11-01 12:34:56.789012", minute + 56789012, 1);
  assert_time("2026-11-01 12:34:56.78901299999", minute + 56789012, 1);
  assert_time("2026-11-01T12:34Z", minute, 1000);
  assert_time("2026-11-01 12:34:56.789 Z", minute + 56789000, 1000);
}

static void offsets_are_subtracted(void **state) {
  (void)state;
  assert_time("2026-11-01 12:00+01:00", NOVEMBER + 11 * HOUR, 1000);
  assert_time("2026-11-01T12:00:00-05:30", NOVEMBER + 17 * HOUR + 1800 * SECOND,
              1000);
  assert_time("2026-11-01 12:00 +00:00", NOVEMBER + 12 * HOUR, 1000);
  assert_time("2026-11-01 00:00+14:59", NOVEMBER - 14 * HOUR - 3540 * SECOND,
              1000);
  assert_time("2026-11-01+01:00", NOVEMBER - HOUR, 1000);
  assert_time("2026-11-01 -01:00", NOVEMBER + HOUR, 1000);
  assert_time("2026-11-01Z", NOVEMBER, 1000);
}

static void assert_no_time(const char *z, const char *reason) {
  int64_t ts, last;
  const char *got = kv_time_parse(z, strlen(z), &ts, &last);

  assert_non_null(got);
  assert_non_null(strstr(got, reason));
}

static void text_that_is_not_a_time_is_refused(void **state) {
  static const char *const others[] = {
    "",
    "now",
    "2026",
    "2026-11",
    "2026-11-",
    "2026-11-1",
    "20261101",
    " 2026-11-01",
    "2026-11-01 ",
    "2026-11-01T",
    "2026-11-01 12",
    "2026-11-01 12:",
    "2026-11-01 12:3",
    "2026-11-01 1:30",
    "2026-11-01 12:34:",
    "2026-11-01 12:34:5",
    "2026-11-01 12:34:56.",
    "2026-11-01 12:34:56,5",
    "2026-11-01  12:34",
    "2026-11-01t12:34",
    "2026-11-01 12:34z",
    "2026-11-01 12:34 ",
    "2026-11-01 12:34  Z",
    "2026-11-01 12:34ZZ",
    "2026-11-01 12:34+1",
    "2026-11-01 12:34+x1:00",
    "2026-11-01 12:34+01",
    "2026-11-01 12:34+0x:00",
    "2026-11-01 12:34+01:0",
    "2026-11-01 12:34+0100",
    "2026-11-01 12:34+01:00 ",
    "2026-11-01 12:34 UTC",
    "+2026-11-01",
    "-026-11-01",
    "2026/11/01",
  };
  size_t i;
  int64_t ts, last;

  (void)state;
  for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
    assert_no_time(others[i], "a time looks like YYYY-MM-DD HH:MM:SS.SSS");
  }
  assert_non_null(kv_time_parse("2026-11-01\0", 11, &ts, &last));
  assert_null(kv_time_parse("2026-11-01xyz", 10, &ts, &last));
}

static void days_and_hours_that_do_not_exist_are_refused(void **state) {
  (void)state;
  assert_no_time("2026-00-01", "no such month");
  assert_no_time("2026-13-01", "no such month");
  assert_no_time("2026-11-00", "no such day");
  assert_no_time("2026-11-31", "no such day");
  assert_no_time("2026-12-32", "no such day");
  assert_no_time("2026-02-29", "no such day");
  assert_no_time("2100-02-29", "no such day");
  assert_time("2000-02-29", INT64_C(951782400000000), 1000);
  assert_time("2024-02-29", INT64_C(1709164800000000), 1000);
  assert_no_time("2026-11-01 24:00", "a time of day");
  assert_no_time("2026-11-01 12:60", "a time of day");
  assert_no_time("2026-12-31 23:59:60", "a time of day");
  assert_no_time("2026-11-01 12:00+15:00", "an offset");
  assert_no_time("2026-11-01 12:00-01:60", "an offset");
}

static void times_out_of_range_are_refused(void **state) {
  int64_t ts, last;

  (void)state;
  assert_no_time("1969-12-31 23:59:59.999999", "between 1970-01-01");
  assert_no_time("1970-01-01 00:59+01:00", "between 1970-01-01");
  assert_no_time("0000-01-01", "between 1970-01-01");
  assert_no_time("0000-03-01", "between 1970-01-01");
  assert_no_time("9999-12-31 23:59:59", "between 1970-01-01");
  assert_no_time("2255-06-05 23:47:34.740993", "between 1970-01-01");
  assert_time("1970-01-01", 0, 1000);
  assert_time("1969-12-31 23:00-01:00", 0, 1000);
  assert_time("2255-06-05 23:47:34.740992", KV_TS_MAX, 1);
  assert_null(kv_time_parse("2255-06-05 23:47:34.740", 23, &ts, &last));
  assert_int_equal(ts, KV_TS_MAX / 1000 * 1000);
  assert_int_equal(last, KV_TS_MAX);
}

static int64_t first(const char *z, int at_or_after) {
  return kv_time_first(z, strlen(z), at_or_after);
}

static void a_prefix_stands_for_its_first_time(void **state) {
  (void)state;
  assert_int_equal(first("2026-11", 1), NOVEMBER);
  assert_int_equal(first("2026-11", 0), NOVEMBER);
  assert_int_equal(first("2026-11-01 12", 1), NOVEMBER + 12 * HOUR);
  assert_int_equal(first("2026-11-01 00:00:00.000", 1), NOVEMBER);
  assert_int_equal(first("2026-11-01 00:00:00.000", 0), NOVEMBER + 1000);
  assert_int_equal(first("2026-11-01 00:00:00.0000", 1), NOVEMBER + 1000);
}

static void any_text_has_a_place_among_times(void **state) {
  (void)state;
  assert_int_equal(first("2026-11-01T00:00", 1), NOVEMBER + DAY);
  assert_int_equal(first("2026-10-99", 1), NOVEMBER);
  assert_int_equal(first("2", 1), INT64_C(946684800000000));
  assert_int_equal(first("19", 1), 0);
  assert_int_equal(first("", 1), 0);
  assert_int_equal(first("", 0), 0);
  assert_int_equal(kv_time_first(NULL, 0, 0), 0);
  assert_int_equal(kv_time_first("2026-11\0", 8, 1), NOVEMBER);
}

static void nothing_comes_after_the_last_time(void **state) {
  (void)state;
  assert_int_equal(first("now", 1), KV_TS_MAX + 1);
  assert_int_equal(first("2255-06-05 23:47:34.740", 1),
                   KV_TS_MAX / 1000 * 1000);
  assert_int_equal(first("2255-06-05 23:47:34.740", 0), KV_TS_MAX + 1);
  assert_int_equal(first("\xff", 0), KV_TS_MAX + 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(names_of_allowed_characters_are_accepted),
    cmocka_unit_test(names_of_other_characters_are_refused),
    cmocka_unit_test(names_have_1_to_64_characters),
    cmocka_unit_test(dots_are_inside_names_only),
    cmocka_unit_test(names_that_windows_reserves_are_refused),
    cmocka_unit_test(names_that_differ_in_case_are_found),
    cmocka_unit_test(times_are_written_as_sqlite_writes_them),
    cmocka_unit_test(times_out_of_range_are_written_as_nothing),
    cmocka_unit_test(every_day_agrees_with_sqlite),
    cmocka_unit_test(what_is_written_is_read_back),
    cmocka_unit_test(milliseconds_follow_one_another_as_text),
    cmocka_unit_test(times_are_read_in_every_form),
    cmocka_unit_test(offsets_are_subtracted),
    cmocka_unit_test(text_that_is_not_a_time_is_refused),
    cmocka_unit_test(days_and_hours_that_do_not_exist_are_refused),
    cmocka_unit_test(times_out_of_range_are_refused),
    cmocka_unit_test(a_prefix_stands_for_its_first_time),
    cmocka_unit_test(any_text_has_a_place_among_times),
    cmocka_unit_test(nothing_comes_after_the_last_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
