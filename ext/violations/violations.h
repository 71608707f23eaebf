/*
** What the logs hold and the declaration of a typed table does not allow.
**
** {name}_hidden lists the rows that are not shown, and why. UNIQUE and FOREIGN KEY
** hide nothing, and are looked for here: of rows with the same UNIQUE values all
** but the one that was inserted first are listed; of a foreign key the rows whose
** parent is not there.
**
** The list is made at once, so it does not change while you mend what is in it.
*/
#ifndef KV_VIOLATIONS_VIOLATIONS_H
#define KV_VIOLATIONS_VIOLATIONS_H

#include "connection/find_typed.h"

typedef struct kv_violation {
  int table; /* which one of kv_violations.tables */
  int is_hidden;
  kv_value key;
  const char *rule;
  const char *column; /* NULL: the row as a whole */
  const char *detail; /* or NULL */
} kv_violation;

typedef struct kv_violations {
  kv_typed_found *tables;
  int n_tables;
  kv_violation *list;
  size_t n;
  kv_arena arena; /* of the list's bytes */
} kv_violations;

void kv_violations_init(kv_violations *violations);

/*
** Add those of a table, which becomes the list's: *found is zeroed. Errors with a
** message.
*/
int kv_violations_add(kv_violations *violations, kv_typed_found *found,
                      char **err);

/*
** The row of a violation, as it is now: its fold is in that of its table. Errors
** with a message.
*/
int kv_violations_fold(kv_violations *violations, size_t i, kv_typed **out,
                       char **err);

void kv_violations_clear(kv_violations *violations);

#endif
