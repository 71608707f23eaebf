/*
** A row as it was: what it was, and the record that makes it that again.
**
** The log rows of the key are folded twice: all of them, and those up to a time.
** Columns in which the two differ are assigned, whatever their kind, so that a
** counter or a maximum goes back, too; what other devices add without having seen
** that is added to it. Columns that are not declared here go back like the others.
*/
#ifndef KV_CHANGE_RESTORE_H
#define KV_CHANGE_RESTORE_H

#include "tables/typed.h"

typedef enum kv_restore_what {
  KV_RESTORE_NONE,   /* it is what it was */
  KV_RESTORE_DELETE, /* it did not exist */
  KV_RESTORE_INSERT, /* it does not exist now */
  KV_RESTORE_UPDATE
} kv_restore_what;

typedef struct kv_restore {
  kv_typed *typed; /* typed->folded is the row as it is, */
  kv_folded then;  /* and this one as it was; it borrows from the other */
  kv_restore_what what;
} kv_restore;

/*
** Fold a key as it is and as it was: at a time in microseconds or, if as_of is
** NULL, before its latest change. For kv_restore_end(), also after an error.
** SQLITE_ERROR, with a message, if the history is not whole, or if this is no key
** of the table and no log row has it. Other errors are SQLite's.
*/
int kv_restore_begin(kv_restore *restore, kv_typed *typed, const kv_value *key,
                     const int64_t *as_of, char **err);
void kv_restore_end(kv_restore *restore);

/*
** What the table shows of the row as it was: values for all columns, which borrow
** from `restore`. SQLITE_CONSTRAINT, with a message, if the declaration does not
** allow it; CHECK is not checked.
*/
int kv_restore_values(kv_restore *restore, const kv_value *key,
                      kv_value *values, char **err);

/* The record of an INSERT or UPDATE, of *n columns. The error is that of `out`. */
int kv_restore_record(const kv_restore *restore, kv_bytes *out, int *n);

#endif
