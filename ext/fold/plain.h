/*
** A row as people read it: plain JSON of its columns.
*/
#ifndef KV_FOLD_PLAIN_H
#define KV_FOLD_PLAIN_H

#include "apply.h"

/*
** Write an object of n columns, known and unknown ones alike: sets and lists are
** arrays, blobs {"blob":"00ff"} as in a record. The error, if there is one, is in
** out->rc.
*/
void kv_plain_write(kv_bytes *out, const kv_fold_column *columns, size_t n);

#endif
