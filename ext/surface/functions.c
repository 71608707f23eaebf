/*
** The SQL functions.
**
**     kv_open(path [, device [, options]])    kv_close([[options,] store])
**     kv_sync([store])                        kv_version()
**     kv_wait(milliseconds [, store])
**     kv_get(key [, default [, store]])       kv_set(key, value [, store])
**     kv_delete(key [, store])                kv_cursor([store])
**     kv_revert(key [, as_of [, store]])      kv_compact([before [, store]])
**
** A function finds its store by name, and keeps a reference while it runs,
** because its work may disconnect the virtual table.
*/
#include <string.h>

#include "cache/revert.h"
#include "compact/compact.h"
#include "compact/compaction.h"
#include "compact/expire.h"
#include "connection/find.h"
#include "core/order.h"
#include "db/error.h"
#include "db/run.h"
#include "db/value.h"
#include "history/history.h"
#include "open.h"
#include "replace/past.h"
#include "retire/retire.h"
#include "store/errors.h"
#include "store/transaction.h"
#include "store/write.h"
#include "surface.h"
#include "sync/sync.h"
#include "sync/wait.h"
#include "typed/typed_functions.h"

/* End a function with an error, if rc is one; err is freed. */
static void function_fail(sqlite3_context *ctx, int rc, char *err) {
  if (rc == SQLITE_NOMEM) {
    sqlite3_result_error_nomem(ctx);
  } else if (rc != SQLITE_OK) {
    sqlite3_result_error(ctx, err ? err : sqlite3_errstr(rc), -1);
    sqlite3_result_error_code(ctx, rc);
  }
  sqlite3_free(err);
}

static const char *function_text(sqlite3_value *value) {
  return (const char *)sqlite3_value_text(value);
}

/* How deep functions of one store may nest: a user's triggers go two deep. */
#define FUNCTION_DEPTH 8

/* The store that an optional last argument names; NULL: the default. */
static const char *function_store(int argc, sqlite3_value **argv, int index) {
  return argc > index ? function_text(argv[index]) : NULL;
}

/*
** Count one more running function. If a view or trigger replaces a shadow
** table, a function could call itself without end.
*/
static int function_begin(kv_store *store, char **err) {
  if (kv_store_enter_function(store) <= FUNCTION_DEPTH) return SQLITE_OK;
  return kv_error(err, SQLITE_ERROR,
                  "the functions of %s call themselves: look for triggers and "
                  "views on its tables",
                  store->name);
}

/* Enter the store that an argument names. */
static int function_enter(sqlite3_context *ctx, int argc, sqlite3_value **argv,
                          int index, kv_store **out, char **err) {
  int rc = kv_store_find(sqlite3_user_data(ctx),
                         function_store(argc, argv, index), out, err);

  return rc == SQLITE_OK ? function_begin(*out, err) : rc;
}

static void function_leave(kv_store *store) {
  if (store) kv_store_leave_function(store);
  kv_store_close(store);
}

static void function_open(sqlite3_context *ctx, int argc,
                          sqlite3_value **argv) {
  kv_arguments arguments;
  kv_store *store = NULL;
  char *err = NULL;
  const char *path = NULL;
  const char *device = NULL;
  const char *options = NULL;
  int rc = kv_arguments_text(argv[0], "path", &path, &err);

  if (rc == SQLITE_OK && argc > 1) {
    rc = kv_arguments_text(argv[1], "device name", &device, &err);
  }
  if (rc == SQLITE_OK && argc > 2) {
    rc = kv_arguments_text(argv[2], "options", &options, &err);
  }
  kv_arguments_init(&arguments);
  if (rc == SQLITE_OK && !path) {
    rc = kv_error(&err, SQLITE_ERROR,
                  "name the folder that the devices share, for example "
                  "kv_open('notes.kv', 'laptop')");
  }
  arguments.path = kv_strdup(path);
  arguments.device = kv_strdup(device);
  arguments.options.path = arguments.path;
  arguments.options.device = arguments.device;
  if ((path && !arguments.path) || (device && !arguments.device)) {
    rc = SQLITE_NOMEM;
  }
  if (rc == SQLITE_OK && options) {
    rc = kv_arguments_list(&arguments, options,
                           " now segment publish history name adopt ", &err);
  }
  if (rc == SQLITE_OK && path && strcmp(path, KV_MEMORY) == 0 && !device) {
    arguments.options.device = "memory";
  }
  if (rc == SQLITE_OK) {
    rc = kv_open_table(sqlite3_user_data(ctx), sqlite3_context_db_handle(ctx),
                       &arguments, &store, &err);
  }
  if (rc == SQLITE_OK && store->device) {
    sqlite3_result_text(ctx, store->device, -1, SQLITE_TRANSIENT);
  }
  kv_store_close(store);
  kv_arguments_clear(&arguments);
  if (rc != SQLITE_OK) {
    function_fail(ctx, rc, err);
  } else {
    sqlite3_free(err);
  }
}

static void function_close(sqlite3_context *ctx, int argc,
                           sqlite3_value **argv) {
  sqlite3 *db = sqlite3_context_db_handle(ctx);
  const char *options = argc == 2 ? function_text(argv[0]) : NULL;
  kv_arguments arguments;
  kv_store *store = NULL;
  char *err = NULL;
  char *name = NULL;
  int rc = SQLITE_OK;

  kv_arguments_init(&arguments);
  if (options) rc = kv_arguments_list(&arguments, options, " discard ", &err);
  if (rc == SQLITE_OK) {
    rc = function_enter(ctx, argc, argv, argc == 2 ? 1 : 0, &store, &err);
  }
  if (rc == SQLITE_OK) rc = kv_open_publish(store, arguments.discard, &err);
  if (rc == SQLITE_OK && kv_store_is_temp(store)) {
    name = kv_strdup(store->name);
    function_leave(store);
    store = NULL;
    rc = name ? kv_open_drop(db, name, &err) : SQLITE_NOMEM;
  }
  sqlite3_free(name);
  function_leave(store);
  kv_arguments_clear(&arguments);
  function_fail(ctx, rc, err);
}

static void function_sync(sqlite3_context *ctx, int argc,
                          sqlite3_value **argv) {
  kv_store *store = NULL;
  char *err = NULL;
  int64_t n_merged = 0;
  int rc = function_enter(ctx, argc, argv, 0, &store, &err);

  if (rc == SQLITE_OK) rc = kv_sync_run(store, &n_merged, &err);
  if (rc == SQLITE_OK) rc = kv_expire_run(store, &err);
  function_leave(store);
  if (rc == SQLITE_OK) sqlite3_result_int64(ctx, n_merged);
  function_fail(ctx, rc, err);
}

static void function_retire(sqlite3_context *ctx, int argc,
                            sqlite3_value **argv) {
  const char *device = (const char *)sqlite3_value_text(argv[0]);
  kv_store *store = NULL;
  char *err = NULL;
  int64_t n_merged = 0;
  int64_t n_rows = 0;
  int rc = function_enter(ctx, argc, argv, 1, &store, &err);

  if (rc == SQLITE_OK) rc = kv_sync_run(store, &n_merged, &err);
  if (rc == SQLITE_OK) rc = kv_retire_device(store, device, &n_rows, &err);
  function_leave(store);
  if (rc == SQLITE_OK) sqlite3_result_int64(ctx, n_rows);
  function_fail(ctx, rc, err);
}

static void function_wait(sqlite3_context *ctx, int argc,
                          sqlite3_value **argv) {
  kv_store *store = NULL;
  char *err = NULL;
  int64_t milliseconds;
  int is_changed = 0;
  int rc = SQLITE_OK;

  if (!kv_argument_whole(argv[0], &milliseconds) || milliseconds < 0) {
    rc = kv_error(&err, SQLITE_ERROR,
                  "say how many milliseconds to wait: kv_wait(60000)");
  }
  if (rc == SQLITE_OK) rc = function_enter(ctx, argc, argv, 1, &store, &err);
  if (rc == SQLITE_OK) {
    rc = kv_wait_run(store, milliseconds, &is_changed, &err);
  }
  function_leave(store);
  if (rc == SQLITE_OK) sqlite3_result_int(ctx, is_changed);
  function_fail(ctx, rc, err);
}

/* Read the value of a key, or the default, into the result. */
static int get_value(sqlite3_context *ctx, int argc, sqlite3_value **argv,
                     kv_store *store, char **err) {
  kv_run run = {0};
  kv_value large = {0};
  sqlite3_value *value = NULL;
  kv_value key;
  int rc = kv_transaction_tell(store, err);

  if (rc != SQLITE_OK) return rc;
  rc = kv_value_peek(argv[0], &key);
  if (rc == SQLITE_OK) {
    rc = kv_cache_get(&run, &store->stmts, KV_SQL_CACHE_VALUE, &key, 0, &large,
                      &value);
  }
  if (rc == SQLITE_OK && large.type != KV_NULL) {
    kv_value_give(ctx, &large);
  } else if (rc == SQLITE_OK && value) {
    rc = kv_value_result_value(ctx, value);
  } else if (rc == SQLITE_OK && argc > 1) {
    sqlite3_result_value(ctx, argv[1]);
  } else {
    sqlite3_result_null(ctx);
  }
  kv_run_close(&run);
  return kv_store_error(store, err, rc, "cannot read");
}

/*
** The same with the store that this name found last. *is_done is 0 if it may
** now be another one: SQLite has read a schema again, or the cache is gone.
*/
static int get_quickly(sqlite3_context *ctx, int argc, sqlite3_value **argv,
                       int *is_done, char **err) {
  kv_store *store =
    kv_store_recall(sqlite3_user_data(ctx), function_store(argc, argv, 2));
  int n_prepared;
  int rc;

  *is_done = 0;
  if (!store) return SQLITE_OK;
  n_prepared = kv_stmt_n_prepared(&store->stmts, KV_SQL_CACHE_VALUE);
  rc = function_begin(store, err);
  if (rc == SQLITE_OK) rc = kv_write_flush(store, err);
  if (rc == SQLITE_OK) rc = get_value(ctx, argc, argv, store, err);
  *is_done =
    rc != SQLITE_ERROR &&
    kv_stmt_n_prepared(&store->stmts, KV_SQL_CACHE_VALUE) == n_prepared;
  function_leave(store);
  return rc;
}

static void function_get(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  kv_store *store = NULL;
  char *err = NULL;
  int is_done;
  int rc = get_quickly(ctx, argc, argv, &is_done, &err);

  if (!is_done) {
    sqlite3_free(err);
    err = NULL;
    rc = function_enter(ctx, argc, argv, 2, &store, &err);
    if (rc == SQLITE_OK) rc = get_value(ctx, argc, argv, store, &err);
    function_leave(store);
  }
  function_fail(ctx, rc, err);
}

/*
** Run a statement on the table with up to two values. It writes through the
** virtual table, so that it has a statement journal and the transaction of
** any other write.
*/
static int function_write(kv_store *store, kv_sql id, sqlite3_value *key,
                          const kv_value *value, char **err) {
  kv_run run;
  int rc;

  kv_run_begin_once(&run, &store->stmts, id);
  kv_run_sqlite(&run, key);
  if (value) kv_run_value(&run, value);
  rc = kv_run_end(&run);
  return kv_store_error(store, err, rc, "cannot write");
}

static void function_set(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  kv_store *store = NULL;
  kv_value value;
  char *err = NULL;
  int rc = function_enter(ctx, argc, argv, 2, &store, &err);

  if (rc == SQLITE_OK) rc = kv_value_of(argv[1], &value);
  if (rc == SQLITE_OK) {
    rc = function_write(store, KV_SQL_TABLE_SET, argv[0], &value, &err);
  }
  function_leave(store);
  if (rc == SQLITE_OK) sqlite3_result_value(ctx, argv[1]);
  function_fail(ctx, rc, err);
}

/* What a typed table said, unless there is none; then the error stays. */
static int function_typed(int rc, char *why, int rc_of_store, char **err) {
  if (rc == SQLITE_NOTFOUND) {
    sqlite3_free(why);
    return rc_of_store;
  }
  sqlite3_free(*err);
  *err = why;
  return rc;
}

/* No store has that name: does a typed table? */
static int delete_typed(sqlite3_context *ctx, sqlite3_value **argv,
                        int *existed, int rc, char **err) {
  char *why = NULL;
  int rc2 = kv_typed_functions_delete(sqlite3_user_data(ctx), argv[0],
                                      function_text(argv[1]), existed, &why);

  return function_typed(rc2, why, rc, err);
}

static void function_delete(sqlite3_context *ctx, int argc,
                            sqlite3_value **argv) {
  sqlite3 *db = sqlite3_context_db_handle(ctx);
  kv_store *store = NULL;
  char *err = NULL;
  int existed = 0;
  int rc = function_enter(ctx, argc, argv, 1, &store, &err);

  if (rc == SQLITE_OK) {
    rc = function_write(store, KV_SQL_TABLE_DELETE, argv[0], NULL, &err);
    existed = sqlite3_changes(db) > 0;
  } else if (rc == SQLITE_ERROR && !store && argc > 1) {
    rc = delete_typed(ctx, argv, &existed, rc, &err);
  }
  function_leave(store);
  if (rc == SQLITE_OK) sqlite3_result_int(ctx, existed);
  function_fail(ctx, rc, err);
}

/* Revert a key of kv. */
static int revert_key(sqlite3_context *ctx, int argc, sqlite3_value **argv,
                      kv_store *store, char **err) {
  int has_time = argc > 1 && sqlite3_value_type(argv[1]) != SQLITE_NULL;
  int64_t ts = 0;
  kv_value key;
  kv_value found = {0};
  const kv_value *value = NULL; /* NULL: there was none */
  int exists = 0;
  int is_done = 0;
  int rc = kv_value_of(argv[0], &key);

  if (rc == SQLITE_OK && has_time) {
    rc = kv_argument_time(argv[1], kv_store_now(store), &ts, err);
  } else if (rc == SQLITE_OK) {
    rc = kv_revert_since(&store->stmts, "", &key, &ts);
    kv_store_error(store, err, rc, "cannot read");
  }
  if (rc == SQLITE_OK) {
    rc = kv_past_check(&store->stmts, ts, err);
    kv_store_error(store, err, rc, "cannot read");
  }
  if (rc == SQLITE_OK) {
    rc = kv_revert_find(&store->stmts, &key, has_time ? &ts : NULL, &exists,
                        &found);
    kv_store_error(store, err, rc, "cannot read");
  }
  if (exists) value = &found;
  if (rc == SQLITE_OK)
    rc = kv_revert_is_done(&store->stmts, &key, value, &is_done);
  if (rc == SQLITE_OK && !is_done) {
    rc = function_write(store, value ? KV_SQL_TABLE_SET : KV_SQL_TABLE_DELETE,
                        argv[0], value, err);
  }
  if (rc == SQLITE_OK && value) kv_value_give(ctx, &found);
  kv_value_free(&found);
  return rc;
}

static void function_revert(sqlite3_context *ctx, int argc,
                            sqlite3_value **argv) {
  kv_store *store = NULL;
  char *err = NULL;
  char *why = NULL;
  int rc = function_enter(ctx, argc, argv, 2, &store, &err);

  if (rc == SQLITE_OK) {
    rc = revert_key(ctx, argc, argv, store, &err);
  } else if (rc == SQLITE_ERROR && !store && argc > 2) {
    int rc2 = kv_typed_functions_revert(sqlite3_user_data(ctx), ctx, argv[0],
                                        argv[1], function_text(argv[2]), &why);

    rc = function_typed(rc2, why, rc, &err);
  }
  function_leave(store);
  function_fail(ctx, rc, err);
}

static void function_compact(sqlite3_context *ctx, int argc,
                             sqlite3_value **argv) {
  kv_store *store = NULL;
  char *err = NULL;
  int64_t before = 0;
  int64_t n_dropped = 0;
  int rc = function_enter(ctx, argc, argv, 1, &store, &err);

  if (rc == SQLITE_OK) {
    rc = kv_compaction_before(store, argc > 0 ? argv[0] : NULL, &before, &err);
  }
  if (rc == SQLITE_OK) rc = kv_compact_run(store, before, &n_dropped, &err);
  function_leave(store);
  if (rc == SQLITE_OK) sqlite3_result_int64(ctx, n_dropped);
  function_fail(ctx, rc, err);
}

static void function_cursor(sqlite3_context *ctx, int argc,
                            sqlite3_value **argv) {
  kv_store *store = NULL;
  char *err = NULL;
  int64_t cursor = 0;
  int rc = function_enter(ctx, argc, argv, 0, &store, &err);

  if (rc == SQLITE_OK) rc = kv_history_cursor(store, &cursor);
  function_leave(store);
  if (rc == SQLITE_OK) sqlite3_result_int64(ctx, cursor);
  function_fail(ctx, rc, err);
}

static void function_version(sqlite3_context *ctx, int argc,
                             sqlite3_value **argv) {
  (void)argc;
  (void)argv;
  sqlite3_result_text(ctx, KV_VERSION, -1, SQLITE_STATIC);
}

int kv_functions_register(sqlite3 *db, kv_registry *registry) {
  static const int direct = SQLITE_UTF8 | SQLITE_DIRECTONLY;
  static const int normal = SQLITE_UTF8;
  static const int pure = SQLITE_UTF8 | SQLITE_INNOCUOUS | SQLITE_DETERMINISTIC;
  const struct {
    const char *name;
    int n_min;
    int n_max;
    int flags;
    void (*function)(sqlite3_context *, int, sqlite3_value **);
  } functions[] = {
    {"kv_open", 1, 3, direct, function_open},
    {"kv_close", 0, 2, direct, function_close},
    {"kv_sync", 0, 1, direct, function_sync},
    {"kv_wait", 1, 2, direct, function_wait},
    {"kv_retire", 1, 2, direct, function_retire},
    {"kv_get", 1, 3, normal, function_get},
    {"kv_set", 2, 3, normal, function_set},
    {"kv_delete", 1, 2, normal, function_delete},
    {"kv_revert", 1, 3, normal, function_revert},
    {"kv_compact", 0, 2, direct, function_compact},
    {"kv_cursor", 0, 1, normal, function_cursor},
    {"kv_version", 0, 0, pure, function_version}, /* last: see kv.c */
  };
  size_t i;
  int n;
  int rc = SQLITE_OK;

  for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
    for (n = functions[i].n_min; n <= functions[i].n_max && rc == SQLITE_OK;
         n++) {
      kv_registry_retain(registry);
      rc = sqlite3_create_function_v2(
        db, functions[i].name, n, functions[i].flags, registry,
        registry ? functions[i].function : NULL, NULL, NULL,
        registry ? kv_registry_release : NULL);
    }
  }
  return rc;
}
