/*
** A typed table as it was: folds the log rows up to a time, and shows what the
** declaration allows.
**
**   kv_typed_past_open()     for one scan
**   kv_typed_past_low()      bounds of the key, if there are any
**   kv_typed_past_high()
**   kv_typed_past_begin()
**   kv_typed_past_next()     until past->is_eof
**   kv_typed_past_close()
**
** The rows come in the order of keys as the log has them.
*/
#ifndef KV_TYPED_TYPED_PAST_H
#define KV_TYPED_TYPED_PAST_H

#include "bucket/folded.h"
#include "tables/typed.h"

typedef struct kv_typed_past {
  kv_typed *typed; /* borrowed */
  kv_store *store; /* referenced */
  char *bucket;
  kv_value low; /* copies; NULL: there is no bound */
  kv_value high;
  kv_folded folded;
  kv_run rows;      /* one row ahead of the key */
  int is_row;       /* it is on one */
  kv_value key;     /* of the row that is shown, as the log has it */
  kv_value *values; /* all columns */
  int is_eof;
} kv_typed_past;

/* Takes the reference to the store, also if there is no memory. */
int kv_typed_past_open(kv_typed *typed, kv_store *store, kv_typed_past **out);
void kv_typed_past_close(kv_typed_past *past);

/* Keys below and above these need not be shown; the narrower bounds count. */
int kv_typed_past_low(kv_typed_past *past, const kv_value *low);
int kv_typed_past_high(kv_typed_past *past, const kv_value *high);

/* The first row at a time, and the next ones. Errors are SQLite's. */
int kv_typed_past_begin(kv_typed_past *past, int64_t as_of);
int kv_typed_past_next(kv_typed_past *past);

#endif
