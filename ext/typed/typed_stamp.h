/*
** The hidden columns ts, time and device of a typed table: when a row was written
** last, and by which device.
*/
#ifndef KV_TYPED_TYPED_STAMP_H
#define KV_TYPED_TYPED_STAMP_H

#include "bucket/bucket.h"
#include "tables/typed.h"

/* Find the stamp of a key, as the log has it. Errors have a message. */
int kv_typed_stamp_find(kv_typed *typed, kv_store *store, const kv_value *key,
                        kv_bucket_stamp *out, char **err);

/* The stamp of a row, as the hidden column (KV_HIDDEN_TS ...). */
void kv_typed_stamp_result(sqlite3_context *ctx, const kv_bucket_stamp *stamp,
                           int hidden);

/*
** Refuse to write these columns. An UPDATE with FROM gives them the values that
** they have; key is NULL for an INSERT. typed->store is set. Errors have a message.
*/
int kv_typed_stamp_refuse(kv_typed *typed, sqlite3_value *key,
                          sqlite3_value **hidden, char **err);

#endif
