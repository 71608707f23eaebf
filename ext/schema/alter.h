/*
** Changes the declaration of a typed table: kv_alter().
**
** A declaration is how this device looks at the rows, so no log row is written:
** the table is dropped and created again, as a whole or not at all, and made from
** what the logs hold. The user's indexes and triggers on {name}_data are made
** again, too.
*/
#ifndef KV_SCHEMA_ALTER_H
#define KV_SCHEMA_ALTER_H

#include "connection/find_typed.h"

/*
** Apply a change (change_text.h) to a table. *is_changed is 0 if the declaration
** is the same to the byte. Errors with a message, and then nothing is changed.
*/
int kv_alter(kv_registry *registry, const char *table, const char *wanted,
             int *is_changed, char **err);

/* Create a table anew with the declaration that it has. *found is closed. */
int kv_alter_again(kv_registry *registry, kv_typed_found *found, char **err);

#endif
