/*
** Two changes of a row in one transaction, which are one row of the log.
*/
#ifndef KV_FOLD_COMPOSE_H
#define KV_FOLD_COMPOSE_H

#include "apply.h"

/*
** Write the record of both changes, the earlier one and the later one, an
** update. Columns are the row before the later one, ascending by name; those
** that are not there are NULL. Of one column
**   an assignment         replaces what was before
**   an assignment, then an operation
**                         is an assignment of what comes out
**   operations of a kind  are one: sums are added, lists appended, of each
**                         element the later one counts
**   unlike ones           are an assignment of what comes out
**
** Both records are whole. The result is added to *out, where errors are, too.
** A delete that comes later is the only one; so is a birth behind a delete.
**
** Returns 1 if a column may not be what the two came to one after the other,
** since a sum of reals depends on the order: then fold the key again, with the
** row that is written now.
*/
int kv_compose(const kv_record *earlier, const kv_record *later,
               const kv_fold_column *columns, size_t n_columns, kv_arena *arena,
               kv_bytes *out);

#endif
