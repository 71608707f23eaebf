/*
** The stamp of the own log. See own_stamp.h.
*/
#include "own_stamp.h"

#include "log/writer.h"

#define OWN_STAMP_SECOND 1000000000

void kv_own_stamp_before(kv_log_cursor *own, const char *root) {
  char *path = kv_writer_path(root, own->device, "log.db");

  own->has_stamp = 0;
  own->has_before =
    path && kv_folder_look(path, &own->stamp) == KV_FILE_REGULAR;
  sqlite3_free(path);
}

/* Does the file look to tools as it did before the last commit? */
static int own_stamp_is_hidden(const kv_log_cursor *own,
                               const kv_stamp *stamp) {
  return own->has_before && own->stamp.size == stamp->size &&
         own->stamp.mtime / OWN_STAMP_SECOND == stamp->mtime / OWN_STAMP_SECOND;
}

void kv_own_stamp_settle(kv_log_cursor *own, const char *root) {
  char *path = kv_writer_path(root, own->device, "log.db");
  kv_stamp stamp;

  own->has_stamp = 0;
  if (path && kv_folder_look(path, &stamp) == KV_FILE_REGULAR &&
      !kv_folder_is_fresh(&stamp)) {
    if (own_stamp_is_hidden(own, &stamp)) {
      kv_folder_touch(path);
    } else {
      own->has_stamp = 1;
      own->stamp = stamp;
    }
    own->has_before = 0;
  }
  sqlite3_free(path);
}
