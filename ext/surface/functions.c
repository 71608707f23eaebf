/*
** The SQL functions.
**
**     kv_open(path [, device [, options]])    kv_close([[options,] store])
**     kv_sync([store])                        kv_version()
**     kv_get(key [, default [, store]])       kv_set(key, value [, store])
**     kv_delete(key [, store])                kv_cursor([store])
**     kv_revert(key [, as_of [, store]])
**
** A function finds its store by name, and keeps a reference while it runs,
** because its work may disconnect the virtual table.
*/
#include <string.h>

#include "connection/find.h"
#include "core/order.h"
#include "db/error.h"
#include "db/run.h"
#include "db/value.h"
#include "history.h"
#include "open.h"
#include "store/errors.h"
#include "store/transaction.h"
#include "store/write.h"
#include "surface.h"
#include "sync/sync.h"

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
    rc = kv_arguments_list(&arguments, options, " now name adopt ", &err);
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
  function_leave(store);
  if (rc == SQLITE_OK) sqlite3_result_int64(ctx, n_merged);
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
  rc = kv_value_of(argv[0], &key);
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

static void function_delete(sqlite3_context *ctx, int argc,
                            sqlite3_value **argv) {
  sqlite3 *db = sqlite3_context_db_handle(ctx);
  kv_store *store = NULL;
  char *err = NULL;
  int rc = function_enter(ctx, argc, argv, 1, &store, &err);

  if (rc == SQLITE_OK) {
    rc = function_write(store, KV_SQL_TABLE_DELETE, argv[0], NULL, &err);
  }
  function_leave(store);
  if (rc == SQLITE_OK) sqlite3_result_int(ctx, sqlite3_changes(db) > 0);
  function_fail(ctx, rc, err);
}

/*
** The value to which a key is reverted, for kv_value_free(); *exists is 0 if
** the key did not exist.
*/
static int revert_find(kv_store *store, const kv_value *key,
                       sqlite3_value *as_of, int *exists, kv_value *out,
                       char **err) {
  kv_sql id = as_of ? KV_SQL_CACHE_ROW : KV_SQL_CACHE_BEFORE;
  kv_run run = {0};
  sqlite3_value *value = NULL;
  int64_t ts = 0;
  int rc = SQLITE_OK;

  if (as_of) rc = kv_argument_time(as_of, kv_store_now(store), &ts, err);
  if (rc == SQLITE_OK) {
    rc = kv_cache_get(&run, &store->stmts, id, key, ts, out, &value);
  }
  *exists = value != NULL;
  if (rc == SQLITE_OK && value && out->type == KV_NULL) {
    kv_value kept;

    rc = kv_value_of(value, &kept);
    if (rc == SQLITE_OK) rc = kv_value_copy(&kept, out);
  }
  kv_run_close(&run);
  return kv_store_error(store, err, rc, "cannot read");
}

/* Check whether the key already has this value (NULL: does not exist). */
static int revert_is_done(kv_store *store, const kv_value *key,
                          const kv_value *value, int *is_done) {
  kv_run run;
  sqlite3_value *now = NULL;
  kv_value large = {0};
  kv_value small;
  int rc =
    kv_cache_get(&run, &store->stmts, KV_SQL_CACHE_VALUE, key, 0, &large, &now);

  *is_done = rc == SQLITE_OK && !now && !value;
  if (rc == SQLITE_OK && now && value) {
    const kv_value *a = large.type == KV_NULL ? &small : &large;

    rc = kv_value_of(now, &small);
    *is_done = rc == SQLITE_OK && a->type == value->type &&
               (a->type == KV_NULL || kv_order_keys(a, value) == 0);
  }
  kv_value_free(&large);
  kv_run_close(&run);
  return rc;
}

static void function_revert(sqlite3_context *ctx, int argc,
                            sqlite3_value **argv) {
  kv_store *store = NULL;
  sqlite3_value *as_of = NULL;
  kv_value key;
  kv_value found = {0};
  const kv_value *value = NULL; /* NULL: there was none */
  char *err = NULL;
  int exists = 0;
  int is_done = 0;
  int rc = function_enter(ctx, argc, argv, 2, &store, &err);

  if (argc > 1 && sqlite3_value_type(argv[1]) != SQLITE_NULL) as_of = argv[1];
  if (rc == SQLITE_OK) rc = kv_value_of(argv[0], &key);
  if (rc == SQLITE_OK) {
    rc = revert_find(store, &key, as_of, &exists, &found, &err);
  }
  if (exists) value = &found;
  if (rc == SQLITE_OK) rc = revert_is_done(store, &key, value, &is_done);
  if (rc == SQLITE_OK && !is_done) {
    rc = function_write(store, value ? KV_SQL_TABLE_SET : KV_SQL_TABLE_DELETE,
                        argv[0], value, &err);
  }
  if (rc == SQLITE_OK && value) kv_value_give(ctx, &found);
  kv_value_free(&found);
  function_leave(store);
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
    {"kv_get", 1, 3, normal, function_get},
    {"kv_set", 2, 3, normal, function_set},
    {"kv_delete", 1, 2, normal, function_delete},
    {"kv_revert", 1, 3, normal, function_revert},
    {"kv_cursor", 0, 1, normal, function_cursor},
    {"kv_version", 0, 0, pure, function_version}, /* last: all is there */
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
