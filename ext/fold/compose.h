/*
** Two changes of a row in one transaction become one row of the log.
*/
#ifndef KV_FOLD_COMPOSE_H
#define KV_FOLD_COMPOSE_H

#include "apply.h"

/*
** Write the record of two changes; the later one is an update. `columns` is the row
** before the later change, ascending by name; columns that are not there are
** NULL. If both change one column:
**   an assignment         replaces what was before
**   an assignment, then an operation
**                         is an assignment of what comes out
**   operations of one kind
**                         become one: sums are added, lists appended, and for
**                         each element the later one counts
**   other operations      become an assignment of the result
**
** Both records must be whole. The result is added to *out; an error is in out->rc.
** You need no record for a later delete, which replaces all before it; nor for an
** insert after a delete, which stands alone.
**
** Returns 1 if the fold may give a column another value than the two changes gave
** it one after the other, since a sum of reals depends on the order. Then fold
** the key again, with the row as it is written now.
*/
int kv_compose(const kv_record *earlier, const kv_record *later,
               const kv_fold_column *columns, size_t n_columns, kv_arena *arena,
               kv_bytes *out);

#endif
