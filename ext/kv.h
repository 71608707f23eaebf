/*
** sqlite-kv: a key-value store for many devices and one shared folder, as an
** SQLite extension.
**
** A program that links it statically (compiled with SQLITE_CORE) calls
** sqlite3_kv_init() for each connection, or once
**
**     sqlite3_auto_extension((void (*)(void))sqlite3_kv_init);
**
** before it opens any. See examples/embed.c.
*/
#ifndef KV_H
#define KV_H

#include <sqlite3.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
** Give a connection the tables and functions of sqlite-kv. Calling it twice
** is harmless. api is NULL in a program that links SQLite itself.
**
** Errors: SQLITE_ERROR with a message in *err, for sqlite3_free(), if this
** SQLite is older than 3.31; SQLITE_NOMEM.
** https://www.sqlite.org/loadext.html
*/
int sqlite3_kv_init(sqlite3 *db, char **err, const sqlite3_api_routines *api);

/*
** A busy handler, as sqlite3_busy_handler() takes it: it is called with arg and
** with how often it was called before for the same lock; 0 gives up.
**
** SQLite does not tell an extension the handler of a connection. A program that
** has set one, instead of sqlite3_busy_timeout(), gives it to sqlite-kv, too, for
** the log of its own device, by
**
**     SELECT kv_busy_handler(?);
**
** where sqlite3_bind_pointer(stmt, 1, &busy, "sqlite3_kv_busy", NULL) was called.
** The struct is copied; arg must live as long as the connection, or until
** another one, or NULL for none, is given. kv_busy_handler() returns NULL.
** https://www.sqlite.org/c3ref/busy_handler.html
*/
typedef struct sqlite3_kv_busy {
  int (*call)(void *arg, int n);
  void *arg;
} sqlite3_kv_busy;

#ifdef __cplusplus
}
#endif

#endif
