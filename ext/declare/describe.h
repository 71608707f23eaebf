/*
** A declaration as JSON: what a device writes into its log, for people and for
** kv_tables. No merge depends on it.
**
**   {"checks":["pieces >= 0"],
**    "columns":{"id":"TEXT NOT NULL","pieces":"INTEGER NOT NULL DEFAULT 1"},
**    "deletes":"lose",
**    "foreign":[{"columns":["shop"],"parent":"shops"}],
**    "key":["id"],"merge":{"pieces":"counter"},"unique":[["name"]]}
**
** Columns have their names in records, in the order of their bytes. Parts that are
** empty, and deletes = later, are left out. An index is no part of it.
*/
#ifndef KV_DECLARE_DESCRIBE_H
#define KV_DECLARE_DESCRIBE_H

#include "declaration.h"

/* Write it. The error, if there is one, is in out->rc. */
void kv_describe(const kv_declaration *declared, kv_bytes *out);

#endif
