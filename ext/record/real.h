/*
** Printing, reading and adding reals, with the same result on every machine.
**
** The locale that the host has set does not matter. The C library's printf() has
** to round correctly to 17 digits.
**
** INVARIANT: kv_real_read() returns the exact real that kv_real_print() printed,
** and accepts no other text for it.
*/
#ifndef KV_RECORD_REAL_H
#define KV_RECORD_REAL_H

#include <stddef.h>

/* Bytes of a printed real, at most. There is no NUL behind it. */
#define KV_REAL_SIZE 32

/*
** Print a real that is not NaN, and return the number of bytes. It gets the
** fewest digits that read back as the same real, and of those the closest.
** Below 1e-4 and from 1e+16 on it has an exponent of two or three digits, else a
** point with at least one digit on both sides: 0.1, 12.0, 1e+16, 1.5e-07. That is
** what repr() gives in Python. The infinities are 9e999 and -9e999, which a
** reader of JSON takes for infinities.
*/
size_t kv_real_print(double r, char out[KV_REAL_SIZE]);

/*
** Read what kv_real_print() printed. Returns 1, or 0 if it never prints this
** text.
*/
int kv_real_read(const char *z, size_t n, double *out);

/* a + b, rounded once, to a double. (The x87 would round twice.) */
double kv_real_add(double a, double b);

/* How that is done for the x87, where long doubles are its own. */
double kv_real_add_odd(double a, double b);

#endif
