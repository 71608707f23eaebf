/*
** Plans of queries on a typed table: what SQLite asks for, as a text.
**
** A plan is a text of words. The first word says which columns are used, in hex.
** Each other word is a letter and the number of a column: first the conditions, in
** the order of their values, then ORDER BY. "S3,12 " stands for 12 values of
** column 3.
*/
#ifndef KV_TYPED_TYPED_PLAN_H
#define KV_TYPED_TYPED_PLAN_H

#include "tables/typed.h"

/* The letters of a plan. The value of a condition may change its letter. */
enum {
  PLAN_EQ = '=',
  PLAN_IS = 'I',
  PLAN_GT = '>',
  PLAN_GE = 'G',
  PLAN_LT = '<',
  PLAN_LE = 'L',
  PLAN_IN = 'i',      /* its value is a set: on columns of texts */
  PLAN_NUMBER = 'N',  /* equal to a number, or a text that may look like it */
  PLAN_SET = 'S',     /* one of n values, none of them a number */
  PLAN_NUMBERS = 'M', /* one of n values, or a text that may look like one */
  PLAN_ANY = 'Y',     /* not NULL */
  PLAN_TEXTS = 'T',   /* all texts */
  PLAN_ASC = 'A',
  PLAN_DESC = 'D'
};

/*
** xBestIndex: idxStr is the plan. idxNum is 1 if the query asks for a time, which
** is the last value then.
*/
int kv_typed_plan(const kv_typed *typed, sqlite3_index_info *info);

/* May a column have texts that another affinity takes for numbers? */
int kv_typed_plan_has_texts(const kv_declaration *declared, int column);

#endif
