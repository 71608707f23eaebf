/*
** Reals as decimal digits, and their sum. See real.h.
**
** The C library converts. What depends on the locale, the decimal point, is
** passed over where it prints, and it reads digits as a whole number with an
** exponent, which has no point. Not every strtod() rounds correctly (that of
** mingw-w64 may be one off below a power of two), so its result is compared with
** the digits, exactly.
**
** Most reals that people have are short decimals: for these there is a quick
** way in both directions, where a double is computed as a double.
** https://dl.acm.org/doi/10.1145/93542.93557 (Clinger, section 2)
*/
#include "real.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REAL_DIGITS 17
#define REAL_WORDS 40 /* 1280 bits; 5e-324 and DBL_MAX need about 1210 */

/* Are products and quotients rounded once, to a double? Not on the x87. */
#define REAL_IS_QUICK (FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 1)

static const double real_tens[] = {
  1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
#define REAL_TENS ((int)(sizeof(real_tens) / sizeof(*real_tens)))

/* Digits: 0.DDD times ten to the power of `point`. */
typedef struct real_digits {
  int n;
  int point;
  char z[KV_REAL_SIZE];
} real_digits;

/* A large integer, the lowest word first; only words low..high are not 0. */
typedef struct real_big {
  int low;
  int high;
  uint32_t w[REAL_WORDS];
} real_big;

static void big_multiply(real_big *b, uint32_t by) {
  uint64_t carry = 0;
  int i;

  for (i = b->low; i <= b->high || carry; i++) {
    assert(i < REAL_WORDS);
    carry += (uint64_t)b->w[i] * by;
    b->w[i] = (uint32_t)carry;
    carry >>= 32;
  }
  if (i > b->high) b->high = i - 1;
}

/* m * 2^shift * 10^power; those below 0 count as 0. */
static void big_make(real_big *b, uint64_t m, int shift, int power) {
  memset(b, 0, sizeof(*b));
  b->low = shift > 0 ? shift / 32 : 0;
  b->high = b->low + 1;
  b->w[b->low] = (uint32_t)m;
  b->w[b->high] = (uint32_t)(m >> 32);
  if (shift > 0) big_multiply(b, (uint32_t)1 << shift % 32);
  for (; power >= 9; power -= 9)
    big_multiply(b, 1000000000);
  for (; power > 0; power--)
    big_multiply(b, 10);
}

/* How m * 2^e compares with whole * 10^power. */
static int real_compare(uint64_t m, int e, uint64_t whole, int power) {
  real_big a;
  real_big b;
  int i = REAL_WORDS - 1;

  big_make(&a, m, e, -power);
  big_make(&b, whole, -e, power);
  while (i > 0 && a.w[i] == b.w[i])
    i--;
  return (a.w[i] > b.w[i]) - (a.w[i] < b.w[i]);
}

/* The double closest to whole * 10^power; r is it, or near. */
static double real_closest(double r, uint64_t whole, int power) {
  uint64_t bits;

  memcpy(&bits, &r, sizeof(bits));
  for (;;) {
    int biased = (int)(bits >> 52);
    int e = (biased ? biased : 1) - 1075;
    uint64_t m = (bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)(biased > 0)
                                                        << 52;
    /* Of a power of two the neighbour below is half as far away. */
    int is_edge = m == (uint64_t)1 << 52 && biased > 1;
    int is_odd = m % 2 != 0;

    if (biased < 0x7ff &&
        real_compare(2 * m + 1, e - 1, whole, power) < is_odd) {
      bits++;
    } else if (m > 0 && real_compare((2 * m << is_edge) - 1, e - 1 - is_edge,
                                     whole, power) > -is_odd) {
      bits--;
    } else {
      memcpy(&r, &bits, sizeof(r));
      return r;
    }
  }
}

static void digits_strip(real_digits *d) {
  while (d->n > 1 && d->z[d->n - 1] == '0')
    d->n--;
}

/* The double closest to up to REAL_DIGITS digits. */
static double digits_value(const real_digits *d) {
  char text[2 * REAL_DIGITS];
  uint64_t whole = 0;
  int power = d->point - d->n;
  int i;

  for (i = 0; i < d->n; i++)
    whole = whole * 10 + (uint64_t)(d->z[i] - '0');
  if (REAL_IS_QUICK && whole >> 53 == 0 && power < REAL_TENS &&
      power > -REAL_TENS) {
    double r = (double)whole;

    return power < 0 ? r / real_tens[-power] : r * real_tens[power];
  }
  snprintf(text, sizeof(text), "%.*se%d", d->n, d->z, power);
  return real_closest(strtod(text, NULL), whole, power);
}

/* The n digits closest to x > 0. */
static void digits_closest(double x, int n, real_digits *d) {
  char text[REAL_DIGITS + 32];
  const char *p = text;

  snprintf(text, sizeof(text), "%.*e", n - 1, x);
  for (d->n = 0; d->n < n; p++)
    if (*p >= '0' && *p <= '9') d->z[d->n++] = *p;
  d->point = atoi(p + 1) + 1;
}

/* The next greater number of as many digits. */
static void digits_increment(real_digits *d) {
  int i = d->n - 1;

  for (; i > 0 && d->z[i] == '9'; i--)
    d->z[i] = '0';
  if (d->z[i] == '9') {
    d->z[i] = '0';
    d->point++;
  }
  d->z[i]++;
}

/*
** The first n of REAL_DIGITS digits, rounded. Returns 0 if these are halfway:
** what they were rounded from may be on either side.
*/
static int digits_round(const real_digits *from, int n, real_digits *d) {
  int i = n + 1;

  while (i < from->n && from->z[i] == '0')
    i++;
  if (from->z[n] == '5' && i == from->n) return 0;
  *d = *from;
  d->n = n;
  if (from->z[n] >= '5') digits_increment(d);
  return 1;
}

/* The quick way: r > 0 is a decimal of up to 15 digits and 9 places. */
static int digits_quick(double r, real_digits *d) {
  char z[REAL_DIGITS + 3];
  int i = sizeof(z);
  int k;

  for (k = 0; k <= 9; k++) {
    double whole = r * real_tens[k];
    uint64_t w;

    if (whole >= 1e15) return 0;
    w = (uint64_t)whole;
    if ((double)w != whole || whole / real_tens[k] != r || w == 0) continue;
    for (; w > 0; w /= 10)
      z[--i] = (char)('0' + w % 10);
    d->n = (int)sizeof(z) - i;
    d->point = d->n - k;
    memcpy(d->z, z + i, (size_t)d->n);
    return 1;
  }
  return 0;
}

/*
** The fewest digits of x > 0 that read back the same. Every decimal of up to 15
** digits does, unless x is denormal. Of a power of two the neighbour below is
** half as far away, so the closest 16 digits may read as that one although the
** next greater ones read as x.
*/
static void digits_of_real(double x, real_digits *d) {
  int n = x < DBL_MIN ? 1 : DBL_DIG;
  real_digits all;

  if (REAL_IS_QUICK && digits_quick(x, d)) return;
  digits_closest(x, REAL_DIGITS, &all);
  for (; n < REAL_DIGITS; n++) {
    if (!digits_round(&all, n, d)) digits_closest(x, n, d);
    if (digits_value(d) == x) return;
    if (n < DBL_DIG + 1) continue;
    digits_increment(d);
    if (digits_value(d) == x) return;
  }
  *d = all;
}

/* Digits as text. */
static size_t real_layout(const real_digits *d, char *out) {
  char *p = out;
  int e = d->point - 1;

  if (e < -4 || e >= 16) {
    *p++ = d->z[0];
    if (d->n > 1) *p++ = '.';
    memcpy(p, d->z + 1, (size_t)d->n - 1);
    p += d->n - 1;
    *p++ = 'e';
    *p++ = e < 0 ? '-' : '+';
    if (e < 0) e = -e;
    if (e >= 100) *p++ = (char)('0' + e / 100);
    *p++ = (char)('0' + e / 10 % 10);
    *p++ = (char)('0' + e % 10);
  } else if (d->point <= 0) {
    memcpy(p, "0.000", 5);
    p += 2 - d->point;
    memcpy(p, d->z, (size_t)d->n);
    p += d->n;
  } else {
    int whole = d->n < d->point ? d->n : d->point;

    memcpy(p, d->z, (size_t)whole);
    memset(p + whole, '0', (size_t)(d->point - whole));
    p += d->point;
    *p++ = '.';
    if (whole == d->n) *p++ = '0';
    memcpy(p, d->z + whole, (size_t)(d->n - whole));
    p += d->n - whole;
  }
  return (size_t)(p - out);
}

size_t kv_real_print(double r, char out[KV_REAL_SIZE]) {
  real_digits d = {1, 1, "0"};
  int is_negative = signbit(r) != 0;

  assert(r == r);
  if (is_negative) {
    *out++ = '-';
    r = -r;
  }
  if (r > DBL_MAX) {
    memcpy(out, "9e999", 5);
    return (size_t)(5 + is_negative);
  }
  if (r > 0) digits_of_real(r, &d);
  digits_strip(&d);
  return (size_t)is_negative + real_layout(&d, out);
}

/* The digits of a text; returns 0 if it has other characters, or too many. */
static int digits_read(const char *z, real_digits *d) {
  int is_behind = 0; /* the point */

  d->n = d->point = 0;
  for (; *z && *z != 'e'; z++) {
    if (*z == '.' && !is_behind) {
      is_behind = 1;
    } else if (*z >= '0' && *z <= '9') {
      if (d->n > 0 || *z != '0') d->z[d->n++] = *z;
      d->point += d->n > 0 ? !is_behind : -is_behind;
    } else {
      return 0;
    }
  }
  if (*z) d->point += atoi(z + 1);
  if (d->n == 0) d->z[d->n++] = '0';
  digits_strip(d);
  return d->n <= REAL_DIGITS && d->point > -330 && d->point < 330;
}

int kv_real_read(const char *z, size_t n, double *out) {
  char text[KV_REAL_SIZE + 1];
  int is_negative = n > 0 && *z == '-';
  real_digits d;
  double r;

  if (n > KV_REAL_SIZE) return 0;
  memcpy(text, z, n);
  text[n] = '\0';
  if (strcmp(text + is_negative, "9e999") == 0) {
    r = HUGE_VAL;
  } else {
    if (!digits_read(text + is_negative, &d)) return 0;
    r = digits_value(&d);
  }
  if (is_negative) r = -r;
  if (kv_real_print(r, text) != n || memcmp(text, z, n) != 0) return 0;
  *out = r;
  return 1;
}

#if LDBL_MANT_DIG == 64
/*
** A sum of 64 bits whose last one is set if it is not exact can be rounded once
** more, to a double, without harm. The long double is that of the x87: a whole
** of 64 bits, then sign and exponent.
** https://doi.org/10.1109/TC.2007.70819 (Boldo and Melquiond)
*/
double kv_real_add_odd(double a, double b) {
  long double sum = (long double)a + b;
  long double part = sum - a;
  long double error = (a - (sum - part)) + (b - part);
  struct {
    uint64_t whole;
    uint16_t exponent;
  } bits;

  memcpy(&bits, &sum, 10);
  if ((error < 0 || error > 0) && bits.whole % 2 == 0) {
    if ((error < 0) == (sum < 0)) {
      bits.whole++;
    } else if (bits.whole-- == (uint64_t)1 << 63) {
      bits.whole = UINT64_MAX;
      bits.exponent--;
    }
    memcpy(&sum, &bits, 10);
  }
  return (double)sum;
}
#endif

double kv_real_add(double a, double b) {
#if LDBL_MANT_DIG == 64
  if (!REAL_IS_QUICK) return kv_real_add_odd(a, b);
#endif
  return a + b;
}
