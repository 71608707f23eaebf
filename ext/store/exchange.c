/*
** What a store remembers between syncs. See exchange.h.
*/
#include "exchange.h"

#include <stddef.h>

void kv_exchange_forget(kv_exchange *exchange) {
  sqlite3_free(exchange->commit_error);
  exchange->commit_error = NULL;
  exchange->must_look = exchange->is_checked = 0;
  exchange->next_look = exchange->expired = 0;
  exchange->sight.is_known = 0;
}

void kv_exchange_note_commit(kv_exchange *exchange, int rc, const char *why) {
  sqlite3_free(exchange->commit_error);
  exchange->commit_error = NULL;
  exchange->commit_rc = rc;
  if (rc == SQLITE_OK) return;
  exchange->commit_error =
    sqlite3_mprintf("%s", why ? why : sqlite3_errstr(rc));
}

const char *kv_exchange_commit_error(const kv_store *store) {
  return store->exchange->commit_error;
}
