/*
** What the logs looked like. See sight.h.
*/
#include "sight.h"

#include <string.h>

#include "core/names.h"
#include "core/row.h"

void kv_sight_begin(kv_sight *sight) {
  memset(sight, 0, sizeof(*sight));
  sight->taken = kv_folder_now() * 1000;
}

void kv_sight_add(kv_sight *sight, const char *device, const kv_stamp *stamp) {
  static const char no_id[KV_ID_SIZE] = {0};
  char text[KV_NAME_MAX + 1 + sizeof(*stamp)] = "";
  size_t n = strlen(device) + 1;

  if (n > KV_NAME_MAX + 1) return;
  memcpy(text, device, n);
  memcpy(text + n, stamp, sizeof(*stamp));
  sight->others += (uint64_t)kv_row_base_sum(text, n + sizeof(*stamp), no_id);
}

int kv_sight_is_unsure(const kv_sight *sight, const kv_stamp *stamp) {
  return kv_stamp_newest(stamp) > sight->taken - KV_STAMP_TICK;
}
