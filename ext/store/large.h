/*
** Rows with values too large to be loaded before they are known to be right.
**
** A checksum is known when all of its row was read, so a row costs the time
** that it takes to read it. It need not cost its memory, too: a file can hold
** a row of any size that is no row of a log.
*/
#ifndef KV_STORE_LARGE_H
#define KV_STORE_LARGE_H

#include "core/row.h"
#include "sqlite.h"

/* Values up to so many bytes are loaded at once. */
#define KV_LARGE (1 << 20)

/* Can this SQLite read a value in pieces? */
#define KV_LARGE_CAN (KV_HAS(blob_open) && KV_HAS(blob_read))

/*
** Check the row behind *previous as kv_row_check() does, reading its text
** and blobs in pieces: *reason is NULL if it may follow, else static.
**
** SQLITE_TOOBIG: one of them is longer than limit, in bytes. Other codes are
** SQLite's on reading the file.
*/
int kv_large_check(sqlite3 *handle, const kv_row *previous, int limit,
                   const char **reason);

#endif
