/*
** Log rows of a key, as tests write them, and what they fold to.
*/
#ifndef TEST_FOLDS_H
#define TEST_FOLDS_H

#include "fold/conflict.h"

/* A row. The logs are those of devices a to e; 'A' is a second log of a. */
typedef struct test_row {
  char log;
  int ts;
  int seq;
  const char *seen;   /* "b2c1": of b up to row 2; "b?": of another log of b */
  const char *record; /* NULL: a delete */
} test_row;

/*
** Allocators. The second one fails after test_memory more calls, and counts its
** open pieces in test_open.
*/
void *test_resize(void *p, size_t n);
void *test_resize_failing(void *p, size_t n);
extern int test_memory;
extern int test_open;

/* Fold them, in this order. Returns kv_fold_run()'s code. */
int test_fold(kv_fold *fold, const test_row *rows, size_t n, int deletes);

/*
** The row as a record, "-" if it does not exist, "?" if it has no birth; for
** free().
*/
char *test_fold_text(const kv_fold *fold);

/* Its conflicts, "column winner loser, ..." with rows by log and number: "b2";
** for free(). */
char *test_conflicts_text(kv_fold *fold);

/* Assert what the rows fold to, in whatever order they are added. */
void test_folds_at(const char *file, int line, const test_row *rows, size_t n,
                   int deletes, const char *expected, const char *conflicts);
#define test_folds(rows, deletes, expected, conflicts)                         \
  test_folds_at(__FILE__, __LINE__, rows, sizeof(rows) / sizeof(*(rows)),      \
                deletes, expected, conflicts)

#endif
