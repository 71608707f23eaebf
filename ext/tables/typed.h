/*
** An open typed table: its declaration, and the ordinary tables behind it.
**
**     {name}_data     the rows, with the declared columns and constraints
**     {name}_hidden   keys whose rows are not shown, or not as they are, and why
**     {name}_meta     the store and the bucket, and up to where the table has
**                     followed the cache
**
** INVARIANT: {name}_data and {name}_hidden are a function of the cache and the
** declaration, so they can be made again at any time.
*/
#ifndef KV_TABLES_TYPED_H
#define KV_TABLES_TYPED_H

#include "bucket/folded.h"
#include "db/run.h"
#include "declare/declaration.h"
#include "store/identity.h"

/* What stands in {name}_meta. */
typedef struct kv_typed_meta {
  char *store;
  char *bucket;
  int64_t epoch;  /* of the cache; -1: the table is to be made again */
  int64_t merged; /* the last merge that it has followed */
} kv_typed_meta;

/* A row that was just read (known.h). */
typedef struct kv_known {
  int is_there;
  int n_changes; /* of the connection, then */
  kv_value *values;
  kv_arena arena;
} kv_known;

/* How many holes a table has, the columns of its key, and what matches a key. */
enum { KV_TYPED_HOLES = 13, KV_TYPED_KEY = 3, KV_TYPED_MATCH = 4 };

/* The hidden columns, behind the declared ones. */
enum {
  KV_HIDDEN_AS_OF,
  KV_HIDDEN_KEY,
  KV_HIDDEN_ASSIGN,
  KV_HIDDEN_TS,
  KV_HIDDEN_TIME,
  KV_HIDDEN_DEVICE,
  KV_HIDDEN_COLUMNS
};

typedef struct kv_typed {
  sqlite3 *db; /* borrowed */
  char *schema;
  char *name;
  char *text;      /* of the declaration */
  int is_declared; /* the own log has it (change/declared.h) */
  kv_declaration declared;
  kv_typed_meta meta;
  int is_made;    /* the tables behind it were created */
  kv_stmts stmts; /* on the tables behind it */
  kv_stmt_hole holes[KV_TYPED_HOLES];
  kv_store *store;    /* borrowed: while it is written to or follows */
  kv_folded folded;   /* of the key that is settled */
  int has_hidden;     /* keys are listed, while it follows */
  int is_rolled_back; /* by a trigger on {name}_data, while it follows */
  kv_value *defaults; /* literals, of all columns; in the arena of `kept` */
  kv_arena kept;
  kv_arena work; /* of the change that runs */
  kv_known known;
  int has_triggers;    /* {name}_data has some, or it is not known */
  int has_children;    /* a foreign key of the schema refers to this table, */
  int64_t children_of; /* as of this version of the schema; -1: not known */
  char *update_text;   /* the columns of the last UPDATE, and its statement */
  sqlite3_stmt *update;
} kv_typed;

/* Parts of these names, for xShadowName. */
int kv_typed_is_shadow(const char *name);

/*
** Open a table from the text of its declaration; nothing is read or written.
** Errors with a message. Close it with kv_typed_close(); NULL is fine.
*/
int kv_typed_open(sqlite3 *db, const char *schema, const char *name,
                  const char *text, kv_typed **out, char **err);
void kv_typed_close(kv_typed *typed);

/* Make the tables behind it, and drop, rename them. */
int kv_typed_create(kv_typed *typed, char **err);
int kv_typed_drop(kv_typed *typed);
int kv_typed_rename(kv_typed *typed, const char *name, char **err);

/* Read {name}_meta and the defaults; write how far the table has followed. */
int kv_typed_load(kv_typed *typed, char **err);
int kv_typed_save(kv_typed *typed, int64_t epoch, int64_t merged);

/* Look for triggers on {name}_data. Errors are SQLite's. */
int kv_typed_find_triggers(kv_typed *typed);

/* The store has this new name. */
int kv_typed_follow_name(kv_typed *typed, const char *store);

/*
** The CREATE text of what SQL sees, with the hidden columns; and the names of
** all columns. For sqlite3_free(); NULL: no memory.
*/
char *kv_typed_schema(const kv_typed *typed);

/* The name of a hidden column: as_of, or _as_of if a declared one has its name. */
const char *kv_typed_hidden(const kv_declaration *declared, int hidden);

/* The error of a statement on these tables, about `typed`. */
int kv_typed_error(const kv_typed *typed, char **err, int rc, const char *what);

#endif
