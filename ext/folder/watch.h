/*
** Waiting for changes in directories.
**
**     watch = kv_watch_open(".db");
**     kv_watch_add(watch, "/home/me/notes.kv/devices");
**     while (!kv_watch_wait(watch, 50)) ...
**
** Linux tells at once (inotify). Elsewhere nothing is told, nor of network
** drives that another machine writes to, nor when the watches of the system
** run out. So this is a hint that saves time: the caller also has to look by
** itself now and then.
*/
#ifndef KV_FOLDER_WATCH_H
#define KV_FOLDER_WATCH_H

typedef struct kv_watch kv_watch;

/*
** Begin to watch nothing. Files count whose names end with `suffix` (borrowed),
** and all directories. Close it with kv_watch_close(); NULL if there is no
** memory.
*/
kv_watch *kv_watch_open(const char *suffix);

/* Watch the names in a directory, from now on; again is fine. */
void kv_watch_add(kv_watch *watch, const char *path);

/*
** Wait until something has changed since it was added, but no longer than some
** milliseconds: a name came, went, or its file was closed by a writer. Returns
** 1 if so; all that has changed until now is told once.
*/
int kv_watch_wait(kv_watch *watch, int milliseconds);

/* NULL is fine. */
void kv_watch_close(kv_watch *watch);

#endif
