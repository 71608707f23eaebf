/*
** Names of devices, and times as text; see names.h.
**
** Dates are computed in the proleptic Gregorian calendar, without the C
** library: its functions depend on time zone, locale and word size. The
** year begins in March here, so that the leap day is its last day.
** https://howardhinnant.github.io/date_algorithms.html
*/
#include "names.h"

#include <string.h>

#include "clock.h"

#define NAMES_MS ((int64_t)1000)
#define NAMES_MINUTE ((int64_t)60 * 1000 * 1000)
#define NAMES_DAY ((int64_t)24 * 60 * NAMES_MINUTE)
#define NAMES_YEAR_0 (-719528 * NAMES_DAY)     /* 0000-01-01 */
#define NAMES_YEAR_10000 (2932897 * NAMES_DAY) /* the day after 9999-12-31 */

static int names_lower(int c) {
  return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static int names_is_digit(int c) {
  return c >= '0' && c <= '9';
}

static int names_is_allowed(int c) {
  int lower = names_lower(c);

  return (lower >= 'a' && lower <= 'z') || names_is_digit(c) || c == '.' ||
         c == '_' || c == '-';
}

/* True if n bytes at z are `word`, which is lower case, in any case. */
static int names_is_word(const char *z, size_t n, const char *word) {
  size_t i;

  for (i = 0; i < n; i++) {
    if (names_lower((unsigned char)z[i]) != word[i]) return 0;
  }
  return 1;
}

/* Windows reserves these with any extension. */
static int names_is_windows_device(const char *z, size_t n) {
  const char *dot = memchr(z, '.', n);
  size_t stem = dot ? (size_t)(dot - z) : n;

  if (stem == 3) {
    return names_is_word(z, 3, "con") || names_is_word(z, 3, "prn") ||
           names_is_word(z, 3, "aux") || names_is_word(z, 3, "nul");
  }
  if (stem == 4 && names_is_digit(z[3])) {
    return names_is_word(z, 3, "com") || names_is_word(z, 3, "lpt");
  }
  return 0;
}

const char *kv_name_check(const char *name, size_t n) {
  size_t i;

  if (n == 0) return "use at least 1 character";
  for (i = 0; i < n; i++) {
    if (!names_is_allowed((unsigned char)name[i])) {
      return "use only letters A-Z a-z, digits and . _ -";
    }
  }
  if (n > KV_NAME_MAX) return "use at most 64 characters";
  if (name[0] == '.') return "it starts with a dot";
  if (name[n - 1] == '.') return "it ends with a dot";
  if (names_is_windows_device(name, n)) {
    return "Windows reserves it, like con and nul";
  }
  return NULL;
}

int kv_name_same_nocase(const char *a, const char *b) {
  while (*a &&
         names_lower((unsigned char)*a) == names_lower((unsigned char)*b)) {
    a++;
    b++;
  }
  return names_lower((unsigned char)*a) == names_lower((unsigned char)*b);
}

/* A day of the calendar. */
typedef struct names_date {
  int year;
  int month; /* 1 .. 12 */
  int day;   /* 1 .. 31 */
} names_date;

/* The date `days` days after 1970-01-01, of year 0 or later. */
static names_date names_date_of(int64_t days) {
  int64_t z = days + 719468;             /* since 0000-03-01 */
  int64_t era = z < 0 ? -1 : z / 146097; /* of 400 years */
  int64_t day_of_era = z - era * 146097;
  int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
                         day_of_era / 146096) /
                        365;
  int64_t day_of_year =
    day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t march = (5 * day_of_year + 2) / 153; /* months since March */
  names_date date;

  date.day = (int)(day_of_year - (153 * march + 2) / 5 + 1);
  date.month = (int)(march < 10 ? march + 3 : march - 9);
  date.year = (int)(year_of_era + era * 400 + (date.month <= 2));
  return date;
}

/* Days from 1970-01-01 to a date of year 0 or later; may be negative. */
static int64_t names_days_to(names_date date) {
  int64_t year = date.year - (date.month <= 2) + 400; /* keeps it positive */
  int64_t era = year / 400;
  int64_t year_of_era = year - era * 400;
  int64_t march = date.month > 2 ? date.month - 3 : date.month + 9;
  int64_t day_of_year = (153 * march + 2) / 5 + date.day - 1;
  int64_t day_of_era =
    year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

  return (era - 1) * 146097 + day_of_era - 719468;
}

static int names_days_in_month(int year, int month) {
  int is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

  if (month == 2) return is_leap ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* Write n digits of v, with zeros in front; returns the place after them. */
static char *names_put(char *z, int n, int v) {
  int i;

  for (i = n - 1; i >= 0; i--) {
    z[i] = (char)('0' + v % 10);
    v /= 10;
  }
  return z + n;
}

/* Write a time of the years 0 to 9999. */
static void names_put_time(char *z, int64_t ts, int n_digits) {
  int64_t days = (ts - NAMES_YEAR_0) / NAMES_DAY;
  int64_t us = (ts - NAMES_YEAR_0) % NAMES_DAY;
  names_date date = names_date_of(days + NAMES_YEAR_0 / NAMES_DAY);
  int ms = (int)(us / NAMES_MS);

  z = names_put(z, 4, date.year);
  *z++ = '-';
  z = names_put(z, 2, date.month);
  *z++ = '-';
  z = names_put(z, 2, date.day);
  *z++ = ' ';
  z = names_put(z, 2, ms / 3600000);
  *z++ = ':';
  z = names_put(z, 2, ms / 60000 % 60);
  *z++ = ':';
  z = names_put(z, 2, ms / 1000 % 60);
  *z++ = '.';
  z = names_put(z, 3, ms % 1000);
  if (n_digits > 3) z = names_put(z, 3, (int)(us % NAMES_MS));
  *z = 0;
}

void kv_time_format(int64_t ts, char out[KV_TIME_SIZE]) {
  out[0] = 0;
  if (ts >= 0 && ts <= KV_TS_MAX) names_put_time(out, ts, 3);
}

void kv_time_format_wide(int64_t ts, int n_digits,
                         char out[KV_TIME_WIDE_SIZE]) {
  out[0] = 0;
  if (ts >= NAMES_YEAR_0 && ts < NAMES_YEAR_10000) {
    names_put_time(out, ts, n_digits);
  }
}

/*
** Text that is being read. Each names_read_* either reads what its name says
** and moves on, or returns 0 and stays.
*/
typedef struct names_text {
  const char *z;
  const char *end;
} names_text;

static int names_read_char(names_text *t, char c) {
  if (t->z == t->end || *t->z != c) return 0;
  t->z++;
  return 1;
}

/* Read exactly n digits. */
static int names_read_digits(names_text *t, int n, int *out) {
  int i;
  int v = 0;

  if (t->end - t->z < n) return 0;
  for (i = 0; i < n; i++) {
    if (!names_is_digit(t->z[i])) return 0;
    v = v * 10 + (t->z[i] - '0');
  }
  t->z += n;
  *out = v;
  return 1;
}

static const char *const names_not_a_time =
  "a time looks like YYYY-MM-DD HH:MM:SS.SSS; T, Z and +HH:MM are optional";

/* The date at the beginning, as microseconds since 1970. */
static const char *names_read_date(names_text *t, int64_t *us) {
  names_date date;

  if (!names_read_digits(t, 4, &date.year) || !names_read_char(t, '-') ||
      !names_read_digits(t, 2, &date.month) || !names_read_char(t, '-') ||
      !names_read_digits(t, 2, &date.day)) {
    return names_not_a_time;
  }
  if (date.month < 1 || date.month > 12) return "there is no such month";
  if (date.day < 1 || date.day > names_days_in_month(date.year, date.month)) {
    return "there is no such day in that month";
  }
  *us = names_days_to(date) * NAMES_DAY;
  return NULL;
}

/* The digits after the dot, to microseconds; *n_digits counts them all. */
static const char *names_read_fraction(names_text *t, int64_t *us,
                                       int *n_digits) {
  int64_t unit = 100000;
  int digit;

  *n_digits = 0;
  while (names_read_digits(t, 1, &digit)) {
    *us += digit * unit;
    unit /= 10;
    if (*n_digits < 7) ++*n_digits;
  }
  return *n_digits ? NULL : names_not_a_time;
}

/* The time of day, if there is one, added to *us. */
static const char *names_read_clock(names_text *t, int64_t *us, int *n_digits) {
  names_text after = *t;
  int hour, minute;
  int second = 0;
  const char *reason = NULL;

  if (!names_read_char(&after, ' ') && !names_read_char(&after, 'T')) {
    return NULL;
  }
  if (!names_read_digits(&after, 2, &hour)) return NULL;
  *t = after;
  if (!names_read_char(t, ':') || !names_read_digits(t, 2, &minute)) {
    return names_not_a_time;
  }
  if (names_read_char(t, ':')) {
    if (!names_read_digits(t, 2, &second)) return names_not_a_time;
    if (names_read_char(t, '.')) {
      reason = names_read_fraction(t, us, n_digits);
    }
  }
  if (!reason && (hour > 23 || minute > 59 || second > 59)) {
    reason = "a time of day must be between 00:00:00 and 23:59:59";
  }
  *us += (hour * 60 + minute) * NAMES_MINUTE + second * NAMES_MS * NAMES_MS;
  return reason;
}

/* Z or an offset, if there is one, taken off *us. */
static const char *names_read_offset(names_text *t, int64_t *us) {
  int sign, hour, minute;

  names_read_char(t, ' ');
  if (names_read_char(t, 'Z')) return NULL;
  if (names_read_char(t, '+')) {
    sign = 1;
  } else if (names_read_char(t, '-')) {
    sign = -1;
  } else {
    return names_not_a_time;
  }
  if (!names_read_digits(t, 2, &hour) || !names_read_char(t, ':') ||
      !names_read_digits(t, 2, &minute)) {
    return names_not_a_time;
  }
  if (hour > 14 || minute > 59) {
    return "an offset from UTC must be between -14:59 and +14:59";
  }
  *us -= sign * (hour * 60 + minute) * NAMES_MINUTE;
  return NULL;
}

const char *kv_time_parse(const char *z, size_t n, int64_t *ts, int64_t *last) {
  names_text t;
  int64_t us = 0;
  int n_digits = 0;
  const char *reason;

  t.z = z;
  t.end = z + n;
  reason = names_read_date(&t, &us);
  if (!reason) reason = names_read_clock(&t, &us, &n_digits);
  if (!reason && t.z != t.end) reason = names_read_offset(&t, &us);
  if (!reason && t.z != t.end) reason = names_not_a_time;
  if (!reason && (us < 0 || us > KV_TS_MAX)) {
    reason = "a time must be between 1970-01-01 and 2255-06-05";
  }
  if (!reason) {
    *ts = us;
    *last = n_digits > 3 ? us : us + NAMES_MS - 1;
    if (*last > KV_TS_MAX) *last = KV_TS_MAX;
  }
  return reason;
}

/* True if the text of a time is beyond z: >= z, or > z. */
static int names_is_beyond(int64_t ts, const char *z, size_t n,
                           int at_or_after) {
  char text[KV_TIME_SIZE];
  size_t n_text = KV_TIME_SIZE - 1;
  int c;

  kv_time_format(ts, text);
  c = n ? memcmp(text, z, n < n_text ? n : n_text) : 0;
  if (c == 0) c = (n_text > n) - (n_text < n);
  return at_or_after ? c >= 0 : c > 0;
}

/* Bisect; texts are strictly increasing in whole milliseconds. */
int64_t kv_time_first(const char *z, size_t n, int at_or_after) {
  int64_t low = 0;
  int64_t high = KV_TS_MAX / NAMES_MS + 1; /* beyond, or out of range */
  int64_t middle;

  while (low < high) {
    middle = low + (high - low) / 2;
    if (names_is_beyond(middle * NAMES_MS, z, n, at_or_after)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low > KV_TS_MAX / NAMES_MS ? KV_TS_MAX + 1 : low * NAMES_MS;
}
