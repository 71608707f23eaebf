/*
** The key of a row of a typed table, as the log has it: of one column its value;
** of several a JSON array of them, in the order of the primary key.
*/
#ifndef KV_DECLARE_KEYS_H
#define KV_DECLARE_KEYS_H

#include "core/row.h"
#include "declaration.h"

/*
** The key of a row, whose values are those of all columns. Its bytes are in the
** arena, or borrowed. KV_NOMEM. *is_valid is 0 if it cannot be written: text
** that is not UTF-8 in a key of several columns.
*/
int kv_keys_write(const kv_declaration *declared, const kv_value *values,
                  kv_arena *arena, kv_value *out, int *is_valid);

/*
** The other way round: set the values of the key's columns. *is_valid is 0 if it
** is no key of this table: also if it is not the one that kv_keys_write() makes of
** these values, since two keys would be one row then. KV_NOMEM.
*/
int kv_keys_read(const kv_declaration *declared, const kv_value *key,
                 kv_arena *arena, kv_value *values, int *is_valid);

#endif
