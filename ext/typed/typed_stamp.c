/*
** When a row was written last, and by which device. See typed_stamp.h.
*/
#include "typed_stamp.h"

#include <string.h>

#include "db/error.h"
#include "db/value.h"

int kv_typed_stamp_find(kv_typed *typed, kv_store *store, const kv_value *key,
                        kv_bucket_stamp *out, char **err) {
  kv_value bucket = {KV_TEXT, 0, 0, typed->meta.bucket,
                     strlen(typed->meta.bucket)};
  int rc = kv_bucket_stamp_of(store, &bucket, key, out);

  return kv_typed_error(typed, err, rc, "cannot read the cache");
}

void kv_typed_stamp_result(sqlite3_context *ctx, const kv_bucket_stamp *stamp,
                           int hidden) {
  char time[KV_TIME_SIZE];

  if (!stamp->is_found) return;
  switch (hidden) {
    case KV_HIDDEN_TS: sqlite3_result_int64(ctx, stamp->ts); break;
    case KV_HIDDEN_TIME:
      kv_time_format(stamp->ts, time);
      sqlite3_result_text(ctx, time, -1, SQLITE_TRANSIENT);
      break;
    default:
      sqlite3_result_text(ctx, stamp->device, -1, SQLITE_TRANSIENT);
      break;
  }
}

/* Is this what the column has? */
static int stamp_is(const kv_bucket_stamp *stamp, int hidden,
                    sqlite3_value *value) {
  char time[KV_TIME_SIZE];
  const char *text;

  if (hidden == KV_HIDDEN_TS) return sqlite3_value_int64(value) == stamp->ts;
  text = (const char *)sqlite3_value_text(value);
  kv_time_format(stamp->ts, time);
  return text &&
         strcmp(text, hidden == KV_HIDDEN_TIME ? time : stamp->device) == 0;
}

/* The same for a value that is given for a row. */
static int stamp_is_old(kv_typed *typed, sqlite3_value *key, int hidden,
                        sqlite3_value *value) {
  kv_bucket_stamp stamp;
  kv_value of;

  return key && kv_value_of(key, &of) == SQLITE_OK &&
         kv_typed_stamp_find(typed, typed->store, &of, &stamp, NULL) ==
           SQLITE_OK &&
         stamp.is_found && stamp_is(&stamp, hidden, value);
}

int kv_typed_stamp_refuse(kv_typed *typed, sqlite3_value *key,
                          sqlite3_value **hidden, char **err) {
  int i;

  for (i = KV_HIDDEN_TS; i <= KV_HIDDEN_DEVICE; i++) {
    if (sqlite3_value_nochange(hidden[i]) ||
        sqlite3_value_type(hidden[i]) == SQLITE_NULL ||
        stamp_is_old(typed, key, i, hidden[i])) {
      continue;
    }
    return kv_error(err, SQLITE_ERROR,
                    "column %s of %s cannot be written: it is set by the store",
                    kv_typed_hidden(&typed->declared, i), typed->name);
  }
  return SQLITE_OK;
}
