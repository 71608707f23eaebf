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
** Errors, with a message in *err, for sqlite3_free(): SQLITE_ERROR if this
** SQLite is older than 3.31; SQLITE_AUTH, SQLITE_LOCKED and so on if it cannot
** find out whether the connection has them already; SQLITE_NOMEM. Nothing is
** registered then. https://www.sqlite.org/loadext.html
*/
int sqlite3_kv_init(sqlite3 *db, char **err, const sqlite3_api_routines *api);

#ifdef __cplusplus
}
#endif

#endif
