/*
** Placeholders: what a cloud drive leaves in the place of a file that it has
** not downloaded, or has taken off this disk again. To delete one deletes the
** file on all devices.
**
** Known are those that have a name of their own. Drives that ask the system to
** fetch a file when it is read need nothing here.
*/
#ifndef KV_LOG_PLACEHOLDER_H
#define KV_LOG_PLACEHOLDER_H

/* Is this the name of a placeholder, of whatever file? */
int kv_placeholder_is(const char *name);

/*
** Is there one for this file or directory, which is not there itself? *out is
** its path, for sqlite3_free(), or NULL. SQLITE_NOMEM.
*/
int kv_placeholder_find(const char *path, char **out);

#endif
