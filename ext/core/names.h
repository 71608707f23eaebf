/*
** Names of devices, and times as text.
**
** INVARIANT: kv_time_format() is strictly increasing in whole milliseconds,
** bytewise, and kv_time_parse() reads back what it wrote.
*/
#ifndef KV_CORE_NAMES_H
#define KV_CORE_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* Longest device name, in bytes. */
#define KV_NAME_MAX 64

/*
** Check a device name: 1 to 64 of A-Z a-z 0-9 . _ -, neither starting nor
** ending with a dot, not a Windows device name (con, prn, aux, nul, com0 to
** com9, lpt0 to lpt9, in any case, also before a dot: "nul.txt").
** https://learn.microsoft.com/windows/win32/fileio/naming-a-file
**
** Returns NULL if the name is valid, else the reason as a static text, e.g.
** "use at most 64 characters".
*/
const char *kv_name_check(const char *name, size_t n);

/* True if two names differ at most in the case of ASCII letters. */
int kv_name_same_nocase(const char *a, const char *b);

/* Bytes of a formatted time with its final NUL. */
#define KV_TIME_SIZE 24

/*
** Write a time as 'YYYY-MM-DD HH:MM:SS.SSS', UTC, milliseconds cut off.
** ts in microseconds since 1970, 0 .. KV_TS_MAX (else out is '').
*/
void kv_time_format(int64_t ts, char out[KV_TIME_SIZE]);

/* Bytes of a time with microseconds, and its final NUL. */
#define KV_TIME_WIDE_SIZE 27

/*
** The same of all years from 0 to 9999, cut off to 3 or 6 digits behind the
** second (else out is '').
*/
void kv_time_format_wide(int64_t ts, int n_digits, char out[KV_TIME_WIDE_SIZE]);

/*
** Read a time: 'YYYY-MM-DD', optionally with 'HH:MM', 'HH:MM:SS' or
** 'HH:MM:SS.S...' after a space or a T, optionally with Z or +HH:MM, -HH:MM
** at the end (a space before it is allowed); without an offset it is UTC.
** Leap seconds (60) and days that a month does not have are not valid.
** https://www.sqlite.org/lang_datefunc.html#time_values
**
** On success returns NULL; *ts is the time in microseconds since 1970 and
** *last the last microsecond that the text means: with up to three digits
** of fractions a whole millisecond (what kv_time_format() cut off), else
** *ts itself. On failure returns the reason as a static text. A time
** outside 0 .. KV_TS_MAX is a failure.
*/
const char *kv_time_parse(const char *z, size_t n, int64_t *ts, int64_t *last);

/*
** The smallest time in 0 .. KV_TS_MAX whose kv_time_format() text compares
** bytewise (a prefix first) >= z if at_or_after, else > z; KV_TS_MAX + 1 if
** no time does. z can be any text of n bytes, not only a time, so comparisons
** of times as text become ranges of ts.
*/
int64_t kv_time_first(const char *z, size_t n, int at_or_after);

#endif
