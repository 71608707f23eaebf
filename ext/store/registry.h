/*
** The stores of one connection.
**
** The registry is owned by the registrations of the modules and functions
** of one connection; it lives as long as any of them.
*/
#ifndef KV_STORE_REGISTRY_H
#define KV_STORE_REGISTRY_H

#include "store.h"

struct kv_registry {
  sqlite3 *db; /* borrowed */
  int n_refs;
  kv_store *stores; /* open ones; they are owned by their references */
  int busy_where;   /* where the host keeps its busy handler (busy.h) */
};

#endif
