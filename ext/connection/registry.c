/*
** The stores of one connection: opened, connected, closed. See registry.h.
*/
#include "registry.h"

#include <limits.h>
#include <string.h>

#include "core/names.h"
#include "db/error.h"
#include "db/handle.h"
#include "db/host.h"
#include "db/run.h"
#include "store/exchange.h"
#include "store/transaction.h"

int kv_registry_create(sqlite3 *db, kv_registry **out) {
  *out = kv_zalloc(sizeof(**out));
  if (!*out) return SQLITE_NOMEM;
  (*out)->db = db;
  return SQLITE_OK;
}

void kv_registry_retain(kv_registry *registry) {
  if (registry) registry->n_refs++;
}

void kv_registry_release(void *registry) {
  kv_registry *r = registry;
  if (r && --r->n_refs <= 0) sqlite3_free(r);
}

void kv_registry_reach(kv_store *store) {
  store->registry->reached = store;
}

void kv_registry_refuse(kv_registry *registry) {
  registry->is_refused = 1;
}

static int store_same_text(const char *a, const char *b) {
  return a && b ? strcmp(a, b) == 0 : a == b;
}

int kv_store_is_table(const kv_store *store, const char *schema,
                      const char *name) {
  return sqlite3_stricmp(store->schema, schema) == 0 &&
         sqlite3_stricmp(store->name, name) == 0;
}

int kv_store_table_exists(kv_store *store) {
  return sqlite3_table_column_metadata(store->db, store->schema, store->name,
                                       NULL, NULL, NULL, NULL, NULL,
                                       NULL) == SQLITE_OK;
}

/*
** Check that a store's table still belongs to it. Within xConnect nothing may
** run, because SQLite might read a schema again, and free what it is creating.
** A statement that is only prepared connects the table, and does nothing else.
*/
static int store_is_held(kv_store *store) {
  int is_held = 1; /* unless SQLite says that it is not */
  kv_run run;

  if (!kv_store_table_exists(store)) return 0;
  store->n_refs++;
  store->registry->reached = NULL;
  kv_run_begin_once(&run, &store->stmts, KV_SQL_TABLE_REACH);
  if (run.rc == SQLITE_OK) is_held = store->registry->reached == store;
  if (run.rc == SQLITE_ERROR) is_held = 0; /* it cannot be connected */
  kv_run_close(&run);
  kv_store_close(store);
  return is_held;
}

/* The table of a store has another name from now on. */
static int store_bind(kv_store *store, const char *schema, const char *name) {
  char *new_schema = kv_strdup(schema);
  char *new_name = kv_strdup(name);

  if (!new_schema || !new_name) {
    sqlite3_free(new_schema);
    sqlite3_free(new_name);
    return SQLITE_NOMEM;
  }
  kv_stmt_clear(&store->stmts);
  sqlite3_free(store->schema);
  sqlite3_free(store->name);
  sqlite3_free(store->called);
  store->called = NULL;
  store->cache_id = 0; /* what its statements had read is forgotten */
  store->schema = new_schema;
  store->name = new_name;
  store->stmts.db = store->db;
  store->stmts.schema = new_schema;
  store->stmts.name = new_name;
  return SQLITE_OK;
}

/* The folder that a relative path of a table in this schema starts from. */
static char *store_base(sqlite3 *db, const char *schema) {
  const char *file = sqlite3_db_filename(db, schema);
  char *base = file && file[0] ? kv_strdup(file) : NULL;
  char *slash = base ? strrchr(base, '/') : NULL;

#ifdef _WIN32
  if (base && !slash) slash = strrchr(base, '\\');
#endif
  if (slash) {
    slash[slash == base] = '\0';
    return base;
  }
  sqlite3_free(base);
  return NULL;
}

static int store_check_options(const kv_options *options, char **err) {
  const char *why = options->device
                      ? kv_name_check(options->device, strlen(options->device))
                      : NULL;

  if (!options->path || !options->path[0]) {
    return kv_error(err, SQLITE_ERROR,
                    "name the folder that the devices share, for example "
                    "kv_open('notes.kv', 'laptop')");
  }
  if (why) {
    return kv_error(err, SQLITE_ERROR, "'%s' cannot be a device name: %s",
                    options->device, why);
  }
  return SQLITE_OK;
}

/* Is the cache in a file, so that it does not end with the connection? */
static int store_has_file(sqlite3 *db, const char *schema) {
  const char *file = sqlite3_db_filename(db, schema);
  return file && file[0];
}

/* Rows wait only where they are safe. */
static int store_check_publish(sqlite3 *db, const char *schema,
                               const kv_options *options, char **err) {
  if (options->publish != KV_AT_SYNC || store_has_file(db, schema)) {
    return SQLITE_OK;
  }
  return kv_error(err, SQLITE_ERROR,
                  "publish='sync' needs a cache in a database file, which "
                  "keeps the rows until kv_sync(): CREATE VIRTUAL TABLE kv "
                  "USING kv('notes.kv', device='laptop', publish='sync')");
}

/* A store and its parts. */
typedef struct store_block {
  kv_store store; /* must be first: it is what is freed */
  kv_transaction txn;
  kv_exchange exchange;
} store_block;

static int store_new(kv_registry *registry, const char *schema,
                     const char *name, const kv_options *options, char *path,
                     char *root, kv_store **out) {
  store_block *block = kv_zalloc(sizeof(*block));
  kv_store *store = block ? &block->store : NULL;
  int rc = store ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK) {
    store->registry = registry;
    store->db = registry->db;
    store->txn = &block->txn;
    store->exchange = &block->exchange;
    kv_transaction_init(store->txn);
    store->device = kv_strdup(options->device);
    if (options->device && !store->device) rc = SQLITE_NOMEM;
    if (root) kv_folder_machine(store->machine);
  }
  if (rc == SQLITE_OK) rc = store_bind(store, schema, name);
  if (rc == SQLITE_OK) {
    store->path = path;
    store->root = root;
    store->next = registry->stores;
    registry->stores = store;
    *out = store;
  } else if (store) {
    sqlite3_free(store->device);
    sqlite3_free(store);
  }
  return rc;
}

/*
** Errors after which SQLite may have rolled everything back, so that nothing
** can continue. https://www.sqlite.org/lang_transaction.html
*/
static int store_is_fatal(int rc) {
  switch (rc & 0xff) {
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT:
    case SQLITE_IOERR:
    case SQLITE_FULL: return 1;
    default: return 0;
  }
}

/*
** True if this is the CREATE text of a kv table. (The host may override LIKE.)
*/
static int store_is_kv(const char *text) {
  return text &&
         sqlite3_strlike("create virtual table%using%kv%", text, 0) == 0;
}

/* Columns of table_names. */
enum { REGISTRY_NAME, REGISTRY_SQL };

/* Connect the kv tables of one schema. */
static int store_connect_schema(sqlite3 *db, const char *schema) {
  kv_stmts stmts = {db, schema, "", {NULL}, NULL};
  kv_run names;

  kv_run_begin_once(&names, &stmts, KV_SQL_TABLE_NAMES);
  while (kv_run_row(&names)) {
    const char *text =
      (const char *)sqlite3_column_text(names.stmt, REGISTRY_SQL);
    kv_run reach;

    if (!store_is_kv(text)) continue;
    stmts.name = (const char *)sqlite3_column_text(names.stmt, REGISTRY_NAME);
    if (!stmts.name) names.rc = SQLITE_NOMEM;
    if (!stmts.name) break;
    kv_run_begin_once(&reach, &stmts, KV_SQL_TABLE_REACH);
    names.rc = kv_run_close(&reach);
    /* One that cannot be connected has no store. */
    if (!store_is_fatal(names.rc)) names.rc = SQLITE_OK;
  }
  return kv_run_close(&names);
}

int kv_registry_connect(kv_registry *registry) {
  kv_run schemas;

  kv_run_begin_on(&schemas, registry->db, KV_SQL_SCHEMA_NAMES);
  while (kv_run_row(&schemas)) {
    const char *schema =
      (const char *)sqlite3_column_text(schemas.stmt, KV_SCHEMA_NAME);

    schemas.rc =
      schema ? store_connect_schema(registry->db, schema) : SQLITE_NOMEM;
  }
  return kv_run_close(&schemas);
}

/* The open store of a folder and device, if there is one. */
static kv_store *store_lookup(kv_registry *registry, const char *root,
                              const char *device, const char *schema,
                              const char *name) {
  kv_store *store;

  for (store = registry->stores; store; store = store->next) {
    if (!store_same_text(store->root, root)) continue;
    if (!store_same_text(store->device, device)) continue;
    if (root || kv_store_is_table(store, schema, name)) return store;
  }
  return NULL;
}

int kv_store_follow(kv_store *store) {
  char *root = NULL;
  kv_stamp stamp;
  int rc = SQLITE_OK;

  if (!store->root) return SQLITE_OK;
  rc = kv_folder_resolve(store->root, NULL, 0, &root, NULL);
  if (rc == SQLITE_OK && (!store_same_text(root, store->root) ||
                          kv_folder_look(root, &stamp) != KV_FILE_DIRECTORY)) {
    sqlite3_free(root);
    rc = kv_folder_resolve(store->path, NULL, 0, &root, NULL);
    if (rc == SQLITE_OK && kv_folder_look(root, &stamp) == KV_FILE_DIRECTORY &&
        !store_lookup(store->registry, root, store->device, NULL, NULL)) {
      sqlite3_free(store->root);
      store->root = root;
      root = NULL;
    }
  }
  sqlite3_free(root);
  return rc;
}

/* The longest path below a folder: the journal of a device with a long name. */
#define STORE_BELOW (9 + KV_NAME_MAX + 19) /* /devices/, /log.db.new-journal */
#ifdef _WIN32
#define STORE_BEFORE 8 /* \\?\UNC\ */
#else
#define STORE_BEFORE 0
#endif

/* Before a folder is created: check that SQLite can open files below it. */
static int store_check_root(sqlite3 *db, const char *root, char **err) {
  sqlite3_vfs *vfs = sqlite3_vfs_find(kv_handle_vfs(db));
  int most = vfs ? vfs->mxPathname - STORE_BELOW - STORE_BEFORE : INT_MAX;

  if (strlen(root) <= (size_t)most) return SQLITE_OK;
  return kv_error(err, SQLITE_CANTOPEN,
                  "the path of folder %s is too long: SQLite can open the "
                  "logs in a folder whose path has at most %d bytes",
                  root, most);
}

/* The folder of a store, which need not exist, and the path to it. */
static int store_find_folder(kv_registry *registry, const char *schema,
                             const kv_options *options, char **path,
                             char **root, char **err) {
  char *base = store_base(registry->db, schema);
  int rc;

  *path = kv_folder_absolute(options->path, base);
  rc = *path ? SQLITE_OK : SQLITE_NOMEM;
  sqlite3_free(base);
  if (rc == SQLITE_OK) rc = kv_folder_resolve(*path, NULL, 0, root, err);
  return rc == SQLITE_OK ? store_check_root(registry->db, *root, err) : rc;
}

/*
** Create the folder, if `create`. Links to other stores' folders may have
** moved.
*/
static int store_make_folder(kv_registry *registry, const kv_options *options,
                             int create, const char *path, char **root,
                             char **err) {
  kv_store *store;
  int rc = SQLITE_OK;

  if (create && options->device) {
    sqlite3_free(*root);
    rc = kv_folder_resolve(path, NULL, 1, root, err);
  }
  for (store = registry->stores; store && rc == SQLITE_OK; store = store->next)
    rc = kv_store_follow(store);
  return rc;
}

/* An open store serves a table of another name, if its own is gone. */
static int store_serve(kv_store *store, const char *schema, const char *name,
                       char **err) {
  if (kv_store_is_table(store, schema, name)) return SQLITE_OK;
  if (!store_is_held(store)) return store_bind(store, schema, name);
  return kv_error(err, SQLITE_ERROR,
                  "this store is already open as table %s.%s of this "
                  "connection (folder %s, device %s): use it, or open the "
                  "folder as another device",
                  store->schema, store->name, store->root,
                  store->device ? store->device : "none");
}

static int store_open(kv_registry *registry, const char *schema,
                      const char *name, const kv_options *options, int create,
                      kv_store **out, char **err) {
  int is_memory = options->path && strcmp(options->path, KV_MEMORY) == 0;
  char *path = NULL;
  char *root = NULL;
  kv_store *store = NULL;
  int rc = store_check_options(options, err);

  *out = NULL;
  if (rc == SQLITE_OK && create) {
    rc = store_check_publish(registry->db, schema, options, err);
  }
  if (rc == SQLITE_OK && !is_memory) {
    rc = store_find_folder(registry, schema, options, &path, &root, err);
  }
  if (rc == SQLITE_OK &&
      !store_lookup(registry, root, options->device, schema, name)) {
    rc = kv_host_check(registry->db, err);
  }
  if (rc == SQLITE_OK && !is_memory) {
    rc = store_make_folder(registry, options, create, path, &root, err);
  }
  /* Reading another schema again would free the table in temp that is being
  ** created: kv_open() has connected the tables of other schemas before. */
  if (rc == SQLITE_OK && create) {
    rc = sqlite3_stricmp(schema, "temp") == 0
           ? store_connect_schema(registry->db, schema)
           : kv_registry_connect(registry);
  }
  if (rc == SQLITE_OK) {
    store = store_lookup(registry, root, options->device, schema, name);
    if (!store) {
      rc = store_new(registry, schema, name, options, path, root, &store);
      if (rc == SQLITE_OK) path = root = NULL;
    } else {
      rc = store_serve(store, schema, name, err);
    }
  }
  sqlite3_free(path);
  sqlite3_free(root);
  if (rc != SQLITE_OK) {
    return kv_error_db(err, rc, registry->db, "cannot open the store");
  }
  registry->n_changes++;
  store->n_refs++;
  store->fixed_now = options->now;
  store->exchange->segment = options->segment;
  store->exchange->adopt |= options->adopt;
  if (options->history != 0) store->exchange->history = options->history;
  if (options->publish != KV_AS_BEFORE) {
    store->exchange->puts_off =
      options->publish == KV_AT_SYNC && store_has_file(registry->db, schema);
  }
  *out = store;
  return SQLITE_OK;
}

int kv_store_open(kv_registry *registry, const char *schema, const char *name,
                  const kv_options *options, int create, kv_store **out,
                  char **err) {
  /* A statement that runs out of memory may free what xCreate was given. */
  char *own_schema = kv_strdup(schema);
  char *own_name = kv_strdup(name);
  int rc = SQLITE_NOMEM;

  *out = NULL;
  if (own_schema && own_name) {
    rc = store_open(registry, own_schema, own_name, options, create, out, err);
  }
  sqlite3_free(own_schema);
  sqlite3_free(own_name);
  return rc;
}

void kv_store_close(kv_store *store) {
  kv_store **link;

  if (!store || --store->n_refs > 0) return;
  for (link = &store->registry->stores; *link; link = &(*link)->next) {
    if (*link == store) {
      *link = store->next;
      break;
    }
  }
  store->registry->n_changes++;
  if (store->registry->reached == store) store->registry->reached = NULL;
  kv_transaction_clear(store);
  kv_exchange_forget(store->exchange);
  kv_stmt_clear(&store->stmts);
  sqlite3_free(store->schema);
  sqlite3_free(store->name);
  sqlite3_free(store->path);
  sqlite3_free(store->root);
  sqlite3_free(store->device);
  sqlite3_free(store->called);
  sqlite3_free(store);
}

int kv_store_rename(kv_store *store, const char *new_name) {
  int rc = kv_cache_rename(&store->stmts, new_name);

  store->registry->n_changes++;
  return rc == SQLITE_OK ? store_bind(store, store->schema, new_name) : rc;
}
