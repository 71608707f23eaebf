/*
** Placeholders: what a cloud drive leaves in place of a file that it has not
** downloaded, or has removed from this disk again. Deleting a placeholder
** deletes the file on all devices.
**
** This file knows placeholders that have a name of their own. Drives that fetch
** a file when it is read need nothing here.
*/
#ifndef KV_FILE_PLACEHOLDER_H
#define KV_FILE_PLACEHOLDER_H

/* True if this is the name of a placeholder, for any file. */
int kv_placeholder_is(const char *name);

/*
** Look for the placeholder of a file or directory that does not exist itself.
** *out is its path, for sqlite3_free(), or NULL. SQLITE_NOMEM.
*/
int kv_placeholder_find(const char *path, char **out);

#endif
