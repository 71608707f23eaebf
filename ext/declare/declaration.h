/*
** The declaration of a typed table: what stands in
**
**     CREATE VIRTUAL TABLE accounts USING kv_table(...)
**
**   name TYPE [constraint ...]      INTEGER, REAL, TEXT, BLOB, ANY
**       PRIMARY KEY, NOT NULL, UNIQUE, CHECK (expression), REFERENCES t(c),
**       DEFAULT a literal, CURRENT_TIMESTAMP, CURRENT_DATE, CURRENT_TIME,
**       (kv_uuid()), (kv_id()), NAMED name: in records it has this name
**   PRIMARY KEY (...), UNIQUE (...), INDEX (...), CHECK (expression),
**   FOREIGN KEY (...) REFERENCES t(...)
**   MERGE (name kind, ...)          lww, counter, max, min, set, list
**   deletes = later | lose | win, store = name, bucket = 'text'
**
** INVARIANT: what is read here is all of a declaration; a part that is not
** understood is an error.
*/
#ifndef KV_DECLARE_DECLARATION_H
#define KV_DECLARE_DECLARATION_H

#include "record/arena.h"

/* Bytes of the name of a bucket. */
#define KV_BUCKET_MAX 64

typedef enum kv_type {
  KV_TYPE_ANY,
  KV_TYPE_INTEGER,
  KV_TYPE_REAL,
  KV_TYPE_TEXT,
  KV_TYPE_BLOB
} kv_type;

typedef enum kv_kind {
  KV_KIND_LWW,
  KV_KIND_COUNTER,
  KV_KIND_MAX,
  KV_KIND_MIN,
  KV_KIND_SET,
  KV_KIND_LIST
} kv_kind;

typedef enum kv_default {
  KV_DEFAULT_NONE,
  KV_DEFAULT_LITERAL,
  KV_DEFAULT_TIMESTAMP,
  KV_DEFAULT_DATE,
  KV_DEFAULT_TIME,
  KV_DEFAULT_UUID,
  KV_DEFAULT_ID
} kv_default;

typedef struct kv_column {
  const char *name; /* as it is declared */
  const char *cell; /* in records: ASCII letters in lower case */
  kv_type type;
  kv_kind kind;
  int is_not_null;
  int key; /* its place in the primary key, from 1; 0: it is not in it */
  kv_default what;
  const char *literal; /* SQL text, of KV_DEFAULT_LITERAL */
} kv_column;

typedef enum kv_rule { KV_RULE_INDEX, KV_RULE_UNIQUE, KV_RULE_FOREIGN } kv_rule;

/* Columns that have an index; those of a rule are checked. */
typedef struct kv_group {
  kv_rule rule;
  int n;
  int *columns;
  const char *parent;   /* of KV_RULE_FOREIGN: a typed table, */
  const char **parents; /* and n columns of it, or NULL: its primary key */
  char *where; /* how a row of the parent is found; NULL: not looked up yet */
} kv_group;

typedef struct kv_declaration {
  int n_columns;
  kv_column *columns;
  int *sorted; /* columns, ascending by the bytes of `cell` */
  int n_key;
  int *key; /* columns, in the order of the primary key */
  int n_groups;
  kv_group *groups;
  int n_checks;
  const char **checks; /* expressions */
  int deletes;         /* KV_DELETES_* */
  const char *store;
  const char *bucket;
  kv_arena arena; /* all of the above */
} kv_declaration;

/*
** Read a declaration. `name` is of the table, and its bucket unless there is
** another. An error has a message: SQLITE_ERROR, SQLITE_NOMEM. In all cases the
** declaration is for kv_declaration_clear().
*/
int kv_declaration_read(kv_declaration *out, const char *name, const char *text,
                        char **err);
void kv_declaration_clear(kv_declaration *declaration);

/* The number of a column, by its name in any case; -1: there is none. */
int kv_declaration_column(const kv_declaration *declaration, const char *name);

#endif
