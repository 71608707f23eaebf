/*
** Table-valued functions that show the rows of one statement of a store: kv_log
** and the history tables.
**
** A view says how it is declared, which statement it runs, and how its columns
** are made. Its last argument, the hidden column `store`, names the store; the
** column shows the store's full name. After the rows of the statement a view can
** add rows for the keys of typed tables, which it folds (keys.h). They have the
** same columns.
**
** INVARIANT: a view reads only the cache, and does not see what is written
** while it runs.
*/
#ifndef KV_HISTORY_VIEW_H
#define KV_HISTORY_VIEW_H

#include "db/run.h"
#include "keys.h"
#include "record/arena.h"
#include "store/identity.h"

/* How a column is made. */
typedef enum kv_show {
  KV_SHOW_VALUE, /* the statement's column */
  KV_SHOW_TIME,  /* the statement's column as a time */
  KV_SHOW_OP,    /* the statement's column as 'set' or 'delete' */
  KV_SHOW_GIVEN, /* an argument as it was given; NULL: not given */
  KV_SHOW_STORE  /* the name of the store */
} kv_show;

typedef struct kv_view_column {
  kv_show show;
  int from; /* column of the statement; or which argument, from 0 */
} kv_view_column;

/* An argument or condition that is passed on: column = value. */
typedef struct kv_view_equal {
  int column;
  int is_argument; /* a hidden column: SQLite need not check it again */
} kv_view_equal;

typedef struct kv_view_cursor kv_view_cursor;

typedef struct kv_view {
  const char *name;
  kv_sql declaration;
  const kv_view_column *columns;
  const kv_view_equal *equals; /* the store is the first */
  int n_equals;
  /* More conditions, NULL: none. Sets further bits of *plan. */
  void (*plan)(sqlite3_index_info *info, int *n_argv, int *plan);
  /*
  ** Begin cursor->rows and bind its parameters. given[i] is the value of
  ** equals[i], or NULL; more[] those that plan() asked for.
  */
  int (*start)(kv_view_cursor *cursor, sqlite3_value **given,
               sqlite3_value **more, char **err);
  /*
  ** Make the next row in cursor->made of cursor->keys, which start() has begun.
  ** Returns 0 if there is none, or an error, which is in cursor->keys.rows.rc.
  ** NULL: there are no such rows.
  */
  int (*make)(kv_view_cursor *cursor);
  /* Find cursor->store, referenced; NULL: it is the one that given[0] names. */
  int (*find)(kv_view_cursor *cursor, kv_registry *registry,
              sqlite3_value **given, char **err);
} kv_view;

#define KV_VIEW_EQUALS 4
#define KV_VIEW_MADE 12 /* columns of a row that is made */

struct kv_view_cursor {
  sqlite3_vtab_cursor base; /* base class: must be first */
  const kv_view *view;
  kv_store *store; /* referenced while a scan runs */
  int plan;        /* bit i: equals[i] is given; then those of plan() */
  kv_run rows;     /* of the statement that start() chose */
  int is_over;     /* it has no more rows */
  kv_keys keys;    /* of typed tables */
  kv_value made[KV_VIEW_MADE]; /* the row that make() made; it borrows */
  kv_bytes json[2];            /* for make(): the JSON of that row, */
  size_t at;                   /* and a list of n entries for one key, */
  size_t n;                    /* of which the next one is at `at` */
  const void *list;
  int is_reset;                         /* of kv_changes */
  char *bucket;                         /* of kv_history */
  sqlite3_value *given[KV_VIEW_EQUALS]; /* for KV_SHOW_GIVEN */
  int is_end;
};

int kv_view_register(sqlite3 *db, kv_registry *registry, const kv_view *view);

/* Begin cursor->rows: the statement that a view runs. */
void kv_view_run(kv_view_cursor *cursor, kv_sql id);

/*
** Bind :self and :until, by which later own rows are left out: the last of its
** parameters. Returns the error of all of them.
*/
int kv_view_bind_end(kv_view_cursor *cursor, int64_t until);

/* Begin cursor->keys, and bind the same two. */
void kv_view_begin_keys(kv_view_cursor *cursor, kv_sql id, int64_t until);

#endif
