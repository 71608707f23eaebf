/*
** What a twin wrote and could not share is written again by another store.
*/
#ifndef KV_OWN_HEIR_H
#define KV_OWN_HEIR_H

#include "store/identity.h"

/*
** Give this store the rows of those stores of the same folder and connection
** that are twins: what the folder does not have of them is written here, and
** they have nothing left that waits. Outside a transaction only.
*/
int kv_heir_inherit(kv_store *store, char **err);

#endif
