/*
** Reals as digits: what is printed, what is read, and that both agree with the
** C library on any bits.
*/
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record/real.h"

static void prints(double r, const char *expected) {
  char z[KV_REAL_SIZE + 1];

  z[kv_real_print(r, z)] = '\0';
  assert_string_equal(z, expected);
}

static void reads_at(int line, const char *z, int expected) {
  double r = 0;
  size_t n = strlen(z);
  char *copy = malloc(n + 1);

  /* Nothing comes after it, so that the sanitizer sees a read too far. */
  memcpy(copy, z, n);
  if (kv_real_read(copy, n, &r) != expected) {
    fail_msg("line %d: %s is%s read", line, z, expected ? " not" : "");
  }
  free(copy);
}
#define reads(z) reads_at(__LINE__, z, 1)
#define refuses(z) reads_at(__LINE__, z, 0)

static void reals_have_the_fewest_digits(void **state) {
  (void)state;
  prints(0.0, "0.0");
  prints(-0.0, "-0.0");
  prints(1, "1.0");
  prints(-12.5, "-12.5");
  prints(0.1, "0.1");
  prints(0.30000000000000004, "0.30000000000000004");
  prints(1.0 / 3, "0.3333333333333333");
  prints(123456789.125, "123456789.125");
  prints(5e-324, "5e-324");
  prints(DBL_MIN, "2.2250738585072014e-308");
  prints(DBL_MAX, "1.7976931348623157e+308");
  prints(18014398509482032.0, "1.801439850948203e+16");   /* at the edge */
  prints(6.144611684300292e-26, "6.144611684300292e-26"); /* ...29249 */
  prints(9007199254740993.0, "9007199254740992.0");
  prints(5.684341886080801e-14, "5.684341886080801e-14");
  prints(5.684341886080802e-14, "5.684341886080802e-14"); /* 2 to the -44 */
}

static void small_and_large_ones_have_an_exponent(void **state) {
  (void)state;
  prints(0.0001, "0.0001");
  prints(0.00001, "1e-05");
  prints(0.000012, "1.2e-05");
  prints(1e15, "1000000000000000.0");
  prints(1e16, "1e+16");
  prints(1e22, "1e+22");
  prints(1e23, "1e+23");
  prints(-1.5e300, "-1.5e+300");
}

static void infinities_are_decimals_that_are_too_large(void **state) {
  double r;

  (void)state;
  prints(INFINITY, "9e999");
  prints(-INFINITY, "-9e999");
  assert_true(kv_real_read("9e999", 5, &r) && r > DBL_MAX);
  assert_true(kv_real_read("-9e999", 6, &r) && r < -DBL_MAX);
  refuses("19e999");
  refuses("8e999");
  refuses("1e+309");
  refuses("1.7976931348623159e+308");
}

static void no_other_text_is_read(void **state) {
  static const char *const bad[] = {
    "",
    "-",
    ".",
    "e",
    "1",
    "0",
    "-0",
    "1.",
    ".5",
    "+1.0",
    "01.0",
    "1.50",
    "1.00",
    "1e5",
    "1e16",
    "1E+16",
    "1.0e+16",
    "1e+016",
    "10e+16",
    "0e+00",
    "0.00001",
    "1e-5",
    "1e-04",
    "1e-400",
    "1.0x",
    "x1.0",
    "1..0",
    "1.0.0",
    "1e+1",
    "1e+",
    "1e+0016",
    "--1.0",
    "1.0 ",
    " 1.0",
    "0.1e",
    "0.1e+",
    "00.1",
    "nan",
    "inf",
    "1,5",
    "1e++6",
    "1e+1x",
    "0.30000000000000005",       /* another double is nearer */
    "0.300000000000000044",      /* more digits than are needed */
    "0.10000000000000001",       /* fewer would do */
    "4.94065645841247e-324",     /* 5e-324 */
    "10000000000000000000000.0", /* 1e+22 */
    "0.00000000000000000000000000000000000000000000000001",
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
    refuses(bad[i]);
  reads("0.30000000000000004");
  reads("5e-324");
  reads("1e+22");
}

/* A generator that is the same everywhere. */
static uint64_t next(uint64_t *x) {
  *x += UINT64_C(0x9e3779b97f4a7c15);
  return (*x ^ (*x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
}

/* Printed and read back, and as the C library reads it. */
static void round_trip(uint64_t bits) {
  char z[KV_REAL_SIZE + 1];
  char shorter[64];
  double r;
  double back;
  size_t n;

  memcpy(&r, &bits, sizeof(r));
  if (r != r || r > DBL_MAX || r < -DBL_MAX) return;
  n = kv_real_print(r, z);
  z[n] = '\0';
  assert_true(n <= KV_REAL_SIZE);
  if (!kv_real_read(z, n, &back) || memcmp(&r, &back, sizeof(r)) != 0) {
    fail_msg("%s is not read as it was printed", z);
  }
#ifndef _WIN32 /* where strtod() may be one off */
  back = strtod(z, NULL);
  if (memcmp(&r, &back, sizeof(r)) != 0) fail_msg("%s is another real", z);
#endif
  if (strspn(z, "-0123456789.") < n) return;
  snprintf(shorter, sizeof(shorter), "%.15g", r);
  if (strtod(shorter, NULL) == r) assert_true(n <= strlen(shorter) + 2);
}

static void any_real_is_read_as_it_was_printed(void **state) {
  uint64_t x = 7;
  uint64_t e;
  int i;

  (void)state;
  for (e = 0; e < 2047; e++)
    for (i = -2; i <= 2; i++)
      round_trip((e << 52) + (uint64_t)i);
  for (i = 0; i < 20000; i++) {
    double decimal = (double)(int64_t)(next(&x) % 2000000000) / 1000;
    uint64_t bits;

    round_trip(next(&x));
    round_trip(next(&x) >> 12); /* denormal */
    memcpy(&bits, &decimal, sizeof(bits));
    round_trip(bits);
  }
}

static void adds(double a, double b) {
  double sum = a + b;
  double got = kv_real_add(a, b);

#if LDBL_MANT_DIG == 64
  double odd = kv_real_add_odd(a, b);

  if (sum == sum) assert_memory_equal(&odd, &got, sizeof(odd));
#endif
  if (FLT_EVAL_METHOD == 0 && sum == sum)
    assert_memory_equal(&sum, &got, sizeof(sum));
}

static void a_sum_is_rounded_once(void **state) {
  static const double hard[] = {0.0,
                                1,
                                3,
                                DBL_MIN,
                                DBL_MAX,
                                DBL_EPSILON,
                                5e-324,
                                1e16,
                                9007199254740993.0,
                                0.1,
                                2047.5,
                                INFINITY,
                                1 + DBL_EPSILON,
                                DBL_EPSILON / 2 + DBL_EPSILON / 4096};
  const size_t n = sizeof(hard) / sizeof(*hard);
  uint64_t x = 11;
  size_t i;
  size_t k;

  (void)state;
  for (i = 0; i < 4 * n; i++)
    for (k = 0; k < n; k++)
      adds(i % 2 ? -hard[i / 4] : hard[i / 4], i / 2 % 2 ? -hard[k] : hard[k]);
  for (i = 0; i < 300000; i++) {
    uint64_t bits[2];
    double r[2];

    bits[0] = next(&x);
    bits[1] = next(&x);
    /* exponents that are near, halves of the last bit among them */
    bits[1] = (bits[1] & ~((uint64_t)0x7ff << 52)) |
              ((bits[0] - ((next(&x) % 70) << 52)) & (uint64_t)0x7ff << 52);
    if (i % 3 == 0) bits[1] &= ~(uint64_t)0 << (next(&x) % 52);
    if (i % 7 == 0) bits[0] &= ~((uint64_t)0x7ff << 52);
    memcpy(r, bits, sizeof(r));
    if (r[0] == r[0] && r[1] == r[1]) adds(r[0], r[1]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(reals_have_the_fewest_digits),
    cmocka_unit_test(small_and_large_ones_have_an_exponent),
    cmocka_unit_test(infinities_are_decimals_that_are_too_large),
    cmocka_unit_test(no_other_text_is_read),
    cmocka_unit_test(any_real_is_read_as_it_was_printed),
    cmocka_unit_test(a_sum_is_rounded_once),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
