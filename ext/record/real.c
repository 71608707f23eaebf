/*
** Reals as decimal digits, and their sum. See real.h.
**
** Printing: free-format digit generation of Steele and White, with large
** integers. R / S is what is left of the number, between M- below and M+ above
** it all is closer to it than to its neighbours:
**
**      M-        M+           digits are taken from R / S until what is left
**   ---(----R----)---         is within M- or M+: then the rest reads back
**
** https://dl.acm.org/doi/10.1145/93542.93559
**
** Reading: the digits times the power of ten, as a fraction of two large
** integers, divided bit by bit. There are 17 digits at most.
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
#include <string.h>

#define REAL_DIGITS 17
#define REAL_WORDS 40 /* 1280 bits; 5e-324 and DBL_MAX need about 1140 */

/* Are products and quotients rounded once, to a double? Not on the x87. */
#define REAL_IS_QUICK (FLT_EVAL_METHOD == 0)

static const double real_tens[] = {
  1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
#define REAL_TENS ((int)(sizeof(real_tens) / sizeof(*real_tens)))

/* Digits: 0.DDD times ten to the power of `point`. */
typedef struct real_digits {
  int is_negative;
  int n; /* 1..REAL_DIGITS, the last is no 0 unless it is the only one */
  int point;
  char z[REAL_DIGITS];
} real_digits;

/* A large integer, the lowest word first; no zero word is the highest. */
typedef struct real_big {
  int n;
  uint32_t w[REAL_WORDS];
} real_big;

static void big_set(real_big *b, uint64_t v) {
  b->w[0] = (uint32_t)v;
  b->w[1] = (uint32_t)(v >> 32);
  b->n = b->w[1] ? 2 : b->w[0] != 0;
}

static void big_multiply(real_big *b, uint32_t by) {
  uint64_t carry = 0;
  int i;

  for (i = 0; i < b->n; i++) {
    carry += (uint64_t)b->w[i] * by;
    b->w[i] = (uint32_t)carry;
    carry >>= 32;
  }
  assert(b->n < REAL_WORDS || !carry);
  if (carry) b->w[b->n++] = (uint32_t)carry;
}

static void big_multiply_tens(real_big *b, int power) {
  for (; power >= 9; power -= 9)
    big_multiply(b, 1000000000);
  for (; power > 0; power--)
    big_multiply(b, 10);
}

static void big_shift(real_big *b, int bits) {
  int words = bits / 32;
  int i;

  if (b->n == 0) return;
  assert(b->n + words < REAL_WORDS);
  if (words > 0) {
    for (i = b->n - 1; i >= 0; i--)
      b->w[i + words] = b->w[i];
    memset(b->w, 0, (size_t)words * sizeof(*b->w));
    b->n += words;
  }
  if (bits % 32) big_multiply(b, (uint32_t)1 << (bits % 32));
}

static int big_compare(const real_big *a, const real_big *b) {
  int i;

  if (a->n != b->n) return a->n < b->n ? -1 : 1;
  for (i = a->n - 1; i >= 0; i--)
    if (a->w[i] != b->w[i]) return a->w[i] < b->w[i] ? -1 : 1;
  return 0;
}

/* a -= b, which is not greater. */
static void big_subtract(real_big *a, const real_big *b) {
  int64_t carry = 0;
  int i;

  for (i = 0; i < a->n; i++) {
    carry += (int64_t)a->w[i] - (i < b->n ? (int64_t)b->w[i] : 0);
    a->w[i] = (uint32_t)carry;
    carry = carry < 0 ? -1 : 0;
  }
  assert(carry == 0);
  while (a->n > 0 && a->w[a->n - 1] == 0)
    a->n--;
}

/* How a + b compares with c. */
static int big_compare_sum(const real_big *a, const real_big *b,
                           const real_big *c) {
  real_big sum = *a;
  uint64_t carry = 0;
  int n = a->n > b->n ? a->n : b->n;
  int i;

  assert(n < REAL_WORDS);
  for (i = 0; i < n || carry; i++) {
    carry += (i < a->n ? a->w[i] : 0);
    carry += (i < b->n ? b->w[i] : 0);
    sum.w[i] = (uint32_t)carry;
    carry >>= 32;
  }
  sum.n = i;
  return big_compare(&sum, c);
}

static int real_bits(uint64_t v) {
  int n = 0;

  while (v >> n > 0 && n < 63)
    n++;
  return n + (int)(v >> 63);
}

/* The whole of |r| > 0: r == m * 2^e. */
static uint64_t real_parts(double r, int *e) {
  uint64_t bits;
  int biased;

  memcpy(&bits, &r, sizeof(bits));
  biased = (int)(bits >> 52 & 0x7ff);
  bits &= ((uint64_t)1 << 52) - 1;
  *e = (biased ? biased : 1) - 1075;
  return biased ? bits | (uint64_t)1 << 52 : bits;
}

static void digits_strip(real_digits *d) {
  while (d->n > 1 && d->z[d->n - 1] == '0')
    d->n--;
}

/* The digits of an integer below 1e17. */
static void digits_of_whole(uint64_t w, real_digits *d) {
  char z[REAL_DIGITS + 3];
  int i = sizeof(z);

  do
    z[--i] = (char)('0' + w % 10);
  while ((w /= 10) > 0);
  d->n = d->point = (int)sizeof(z) - i;
  memcpy(d->z, z + i, (size_t)d->n);
  digits_strip(d);
}

/* The quick way: r > 0 is a decimal of up to 15 digits and 9 places. */
static int digits_quick(double r, real_digits *d) {
  int k;

  for (k = 0; k <= 9; k++) {
    double whole = r * real_tens[k];
    uint64_t w;

    if (whole >= 1e15) return 0;
    w = (uint64_t)whole;
    if ((double)w == whole && whole / real_tens[k] == r && w > 0) {
      digits_of_whole(w, d);
      d->point -= k;
      return 1;
    }
  }
  return 0;
}

/*
** The next digit of r / s; below *m_low, and above s with *m_high, is how far
** away the number may end. Returns 0 if it was the last.
*/
static int digits_next(real_big *r, const real_big *s, const real_big *m_low,
                       const real_big *m_high, int is_even, char *out) {
  int digit = 0;
  int low;
  int high;

  while (big_compare(r, s) >= 0) {
    big_subtract(r, s);
    digit++;
  }
  low = big_compare(r, m_low) < is_even;
  high = big_compare_sum(r, m_high, s) > -is_even;
  if (high) {
    int half = low ? big_compare_sum(r, r, s) : 1;

    digit += half > 0 || (half == 0 && digit % 2);
  }
  assert(digit <= 9);
  *out = (char)('0' + digit);
  return !low && !high;
}

/*
** Where the point of a number from 2^p to 2^(p+1) is, or one to the left of it,
** never to the right: log10(2) is between 78913 and 78914 / 2^18.
*/
static int real_point(int p) {
  if (p >= 0) return p * 78913 / 262144 + 1;
  return 1 - (-p * 78914 + 262143) / 262144;
}

/* The fewest digits of x > 0 that read back the same. */
static void digits_of_real(double x, real_digits *d) {
  real_big r, s, m_low, m_high;
  int e;
  uint64_t m = real_parts(x, &e);
  int is_even = m % 2 == 0;
  /* Of a power of two the neighbour below is half as far away. */
  int is_edge = m == (uint64_t)1 << 52 && e > -1074;
  int k = real_point(e + real_bits(m) - 1);

  big_set(&r, m);
  big_set(&s, 1);
  big_set(&m_low, 1);
  if (e > 0) {
    big_shift(&r, e);
    big_shift(&m_low, e);
  } else {
    big_shift(&s, -e);
  }
  big_shift(&r, 1 + is_edge);
  big_shift(&s, 1 + is_edge);
  m_high = m_low;
  big_shift(&m_high, is_edge);
  big_multiply_tens(&s, k);
  big_multiply_tens(&r, -k);
  big_multiply_tens(&m_low, -k);
  big_multiply_tens(&m_high, -k);
  if (big_compare_sum(&r, &m_high, &s) > -is_even) {
    k++;
    big_multiply(&s, 10);
  }
  d->n = 0;
  d->point = k;
  do {
    assert(d->n < REAL_DIGITS);
    big_multiply(&r, 10);
    big_multiply(&m_low, 10);
    big_multiply(&m_high, 10);
  } while (digits_next(&r, &s, &m_low, &m_high, is_even, &d->z[d->n++]));
}

/* Digits as text. */
static size_t real_layout(const real_digits *d, char *out) {
  char *p = out;
  int e = d->point - 1;

  if (d->is_negative) *p++ = '-';
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
  real_digits d = {0, 1, 1, "0"};

  assert(r == r);
  d.is_negative = signbit(r) != 0;
  if (d.is_negative) r = -r;
  if (r > DBL_MAX) {
    memcpy(out, "-9e999", 6);
    if (!d.is_negative) memmove(out, out + 1, 5);
    return (size_t)(5 + d.is_negative);
  }
  if (r > 0 && !(REAL_IS_QUICK && digits_quick(r, &d))) digits_of_real(r, &d);
  return real_layout(&d, out);
}

/* The double m * 2^e, rounded, where `rest` says that m is not all. */
static double real_make(uint64_t m, int e, int rest) {
  int lowest = e + real_bits(m) - 53;
  int shift;
  uint64_t half;
  uint64_t cut;
  double r;

  if (lowest < -1074) lowest = -1074;
  shift = lowest - e;
  assert(shift > 0);
  if (shift > 63) return 0;
  half = (uint64_t)1 << (shift - 1);
  cut = m & ((half << 1) - 1);
  m >>= shift;
  if (cut > half || (cut == half && (rest || m % 2))) m++;
  if (m >> 53) {
    m >>= 1;
    lowest++;
  }
  if (lowest > 971) return HUGE_VAL;
  if (m >> 52) m += (uint64_t)(lowest + 1074) << 52;
  memcpy(&r, &m, sizeof(r));
  return r;
}

/* The exact m * 2^e, where m may be short. */
static double real_make_short(uint64_t m, int e) {
  while (m >> 54 == 0) {
    m <<= 1;
    e--;
  }
  return real_make(m, e, 0);
}

double kv_real_add_whole(double a, double b) {
  double larger = fabs(a) < fabs(b) ? b : a;
  double smaller = fabs(a) < fabs(b) ? a : b;
  int is_less = signbit(a) != signbit(b);
  int e;
  int e_small;
  int shift;
  int rest;
  uint64_t m;
  uint64_t m_small;
  double sum;

  if (!(fabs(larger) <= DBL_MAX && fabs(smaller) <= DBL_MAX)) return a + b;
  m = real_parts(larger, &e) << 10;
  m_small = real_parts(smaller, &e_small) << 10;
  shift = e - e_small;
  rest =
    shift > 63 ? m_small != 0 : (m_small & (((uint64_t)1 << shift) - 1)) != 0;
  m_small = shift > 63 ? 0 : m_small >> shift;
  m = is_less ? m - m_small - (uint64_t)rest : m + m_small;
  if (m == 0) return is_less ? 0.0 : a; /* both are zero, or they cancel */
  sum = rest ? real_make(m, e - 10, 1) : real_make_short(m, e - 10);
  return signbit(larger) ? -sum : sum;
}

double kv_real_add(double a, double b) {
  return REAL_IS_QUICK ? a + b : kv_real_add_whole(a, b);
}

/* whole * 10^power, correctly rounded. */
static double real_divide(uint64_t whole, int power) {
  real_big up;
  real_big down;
  uint64_t m = 0;
  int e;
  int i;

  big_set(&up, whole);
  big_set(&down, 1);
  big_multiply_tens(&up, power);
  big_multiply_tens(&down, -power);
  /* So that the quotient has 55 or 56 bits. */
  e = 32 * (up.n - down.n) + real_bits(up.w[up.n - 1]) -
      real_bits(down.w[down.n - 1]) - 55;
  if (e > 0) big_shift(&down, e);
  if (e < 0) big_shift(&up, -e);
  /* Bit by bit from the highest: up stays below twice the rest of down. */
  big_shift(&down, 56);
  for (i = 56; i >= 0; i--) {
    m <<= 1;
    if (big_compare(&up, &down) >= 0) {
      big_subtract(&up, &down);
      m |= 1;
    }
    big_shift(&up, 1);
  }
  return real_make(m, e, up.n > 0);
}

static double real_of_digits(const real_digits *d) {
  uint64_t whole = 0;
  int power = d->point - d->n;
  int i;

  for (i = 0; i < d->n; i++)
    whole = whole * 10 + (uint64_t)(d->z[i] - '0');
  if (whole == 0) return 0;
  if (REAL_IS_QUICK && whole >> 53 == 0 && power < REAL_TENS &&
      power > -REAL_TENS) {
    double r = (double)whole;

    return power < 0 ? r / real_tens[-power] : r * real_tens[power];
  }
  if (d->point > 310) return HUGE_VAL;
  if (d->point < -330) return 0;
  return real_divide(whole, power);
}

/* The digits that a text has; returns 0 if it is not of the form. */
static int digits_read(const char *z, size_t n, real_digits *d) {
  const char *end = z + n;
  int is_behind = 0; /* the point */
  int is_real = 0;
  int n_digits = 0;
  int e = 0;

  memset(d, 0, sizeof(*d));
  d->is_negative = n > 0 && *z == '-';
  z += d->is_negative;
  for (; z < end && *z != 'e'; z++) {
    if (*z == '.' && !is_behind) {
      is_behind = is_real = 1;
    } else if (*z >= '0' && *z <= '9') {
      if (d->n == 0 && *z == '0') { /* zeros in front count no digits */
        d->point -= is_behind;
      } else {
        d->point += !is_behind;
        n_digits++;
        if (*z != '0' && n_digits > REAL_DIGITS) return 0;
        if (*z != '0') {
          memset(d->z + d->n, '0', (size_t)(n_digits - 1 - d->n));
          d->z[n_digits - 1] = *z;
          d->n = n_digits;
        }
      }
    } else {
      return 0;
    }
  }
  if (z < end) {
    int is_below = end - z > 1 && z[1] == '-';

    if (end - z < 4 || end - z > 5) return 0;
    for (z += 2; z < end; z++) {
      if (*z < '0' || *z > '9') return 0;
      e = e * 10 + (*z - '0');
    }
    d->point += is_below ? -e : e;
    is_real = 1;
  }
  if (d->n == 0) {
    d->n = d->point = 1;
    d->z[0] = '0';
  }
  return is_real;
}

/*
** Are these digits those that are printed for r? No two decimals of up to 15
** digits read as one double; of denormal ones there are fewer digits.
*/
static int digits_are_printed(real_digits *d, double r) {
  real_digits printed;

  if (d->n <= DBL_DIG && d->point > -300 && d->point < 300) return 1;
  if (r > DBL_MAX || r == 0) return 0;
  digits_of_real(r, &printed);
  return printed.n == d->n && printed.point == d->point &&
         memcmp(printed.z, d->z, (size_t)d->n) == 0;
}

int kv_real_read(const char *z, size_t n, double *out) {
  char text[KV_REAL_SIZE];
  real_digits d;
  double r;

  if (n >= 5 && n <= 6 && memcmp(z + n - 5, "9e999", 5) == 0 &&
      (n == 5 || *z == '-')) {
    *out = n == 5 ? HUGE_VAL : -HUGE_VAL;
    return 1;
  }
  if (n > KV_REAL_SIZE || !digits_read(z, n, &d)) return 0;
  if (real_layout(&d, text) != n || memcmp(text, z, n) != 0) return 0;
  r = real_of_digits(&d);
  if (!digits_are_printed(&d, r)) return 0;
  *out = d.is_negative ? -r : r;
  return 1;
}
