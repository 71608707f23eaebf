/*
** An open store. See identity.h.
*/
#include "identity.h"

#include <assert.h>

int64_t kv_store_now(const kv_store *store) {
  return store->fixed_now >= 0 ? store->fixed_now : kv_folder_now();
}

int kv_store_is_temp(const kv_store *store) {
  return sqlite3_stricmp(store->schema, "temp") == 0;
}

int kv_store_in_transaction(const kv_store *store) {
  return !sqlite3_get_autocommit(store->db);
}

void kv_store_enter_scan(kv_store *store) {
  store->n_scans++;
}

void kv_store_leave_scan(kv_store *store) {
  assert(store->n_scans > 0);
  store->n_scans--;
}

int kv_store_enter_function(kv_store *store) {
  return ++store->n_functions;
}

void kv_store_leave_function(kv_store *store) {
  assert(store->n_functions > 0);
  store->n_functions--;
}
