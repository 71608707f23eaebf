/*
** Reals as decimal digits, and their sum: the same on every machine.
**
** printf() and strtod() depend on the locale that the host has set, and not
** all of them round correctly; the x87 rounds a sum twice. These do not.
**
** INVARIANT: kv_real_read() gives back, to the last bit, what kv_real_print()
** printed, and no other text of the same form is printed for it.
*/
#ifndef KV_RECORD_REAL_H
#define KV_RECORD_REAL_H

#include <stddef.h>

/* Bytes of a printed real, at most. There is no NUL behind it. */
#define KV_REAL_SIZE 32

/*
** Print a real that is not NaN; returns its number of bytes. The fewest digits
** that read back the same, and of those the closest; with an exponent of two
** or three digits below 1e-4 and from 1e+16 on, else with a point and at least
** one digit on both sides of it: 0.1, 12.0, 1e+16, 1.5e-07. That is repr() in
** Python. The infinities are 9e999 and -9e999, which JSON readers understand.
*/
size_t kv_real_print(double r, char out[KV_REAL_SIZE]);

/*
** Read what kv_real_print() printed. Returns 1, or 0 if this is no text that
** it prints.
*/
int kv_real_read(const char *z, size_t n, double *out);

/* a + b, rounded once, to a double. */
double kv_real_add(double a, double b);

/* The same by integers, for machines that would round it twice. */
double kv_real_add_whole(double a, double b);

#endif
