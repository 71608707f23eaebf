/*
** UNIQUE and FOREIGN KEY, as writes of this device keep them. Other devices do
** not know of each other's rows, so what they write is not checked by these.
**
** Errors have the messages that SQLite has for these constraints.
*/
#ifndef KV_CHANGE_RULES_H
#define KV_CHANGE_RULES_H

#include "tables/typed.h"

/*
** A table is declared: the foreign keys whose parent is there already have to
** refer to its primary key. The others are checked when they are used.
*/
int kv_rules_declare(kv_typed *typed, char **err);

/*
** Check a row that is about to be written. old is what it replaces, NULL if it is
** new; moved is the row whose key becomes this one's, or NULL.
*/
int kv_rules_check(kv_typed *typed, const kv_value *new, const kv_value *old,
                   const kv_value *moved, char **err);

/* Check that no row of a typed table refers to one that is to be deleted. */
int kv_rules_check_delete(kv_typed *typed, const kv_value *old, char **err);

#endif
