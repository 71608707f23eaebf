/*
** Sets and lists as SQL writes them: JSON arrays of scalars, in any form that
** RFC 8259 allows. They are stored in the only form of records (record/json.h).
*/
#ifndef KV_DECLARE_ARRAYS_H
#define KV_DECLARE_ARRAYS_H

#include "db/sqlite.h"
#include "record/record.h"

/*
** Read an array. *out is in the arena, in the form of records; of a set it is
** sorted, each element once. *is_valid is 0 if it is no array of scalars (true
** and false are 1 and 0). Errors are SQLite's.
*/
int kv_arrays_read(sqlite3 *db, const kv_value *value, int is_set,
                   kv_arena *arena, kv_list *out, int *is_valid);

/* Elements of set a that are not in set b. *out is in the arena; n is 0 if there
** are none. KV_NOMEM. */
int kv_arrays_less(kv_list a, kv_list b, kv_arena *arena, kv_list *out);

/*
** If list b begins with all of list a, *out is what comes behind (n is 0 if
** nothing does), and 1 is returned. KV_NOMEM is in *rc.
*/
int kv_arrays_tail(kv_list a, kv_list b, kv_arena *arena, kv_list *out,
                   int *rc);

#endif
