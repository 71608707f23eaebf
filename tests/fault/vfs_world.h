/*
** The small world that crashes: a laptop whose host database and store are in
** one folder, a phone, and an account of what was acknowledged.
**
** A scenario has two programs: one that prepares, and one that runs when the
** fault comes. Each letter is a step:
**
**     o  the laptop opens its host database, if it is not open, and its store
**     1  sets one key, in autocommit
**     t  a transaction of three keys and a row of the host's own table
**     T  the same with a large value and a savepoint that is rolled back
**     s  kv_sync()
**     c  kv_close()
**     S  the log is sealed from now on, with each commit
**     l  commits wait for kv_sync() from now on, L  which seals the log
**     k  kv_compact(): of what was overwritten, nothing stays
**     h  kv_sync() gives up history from now on, which is long after all that was
**     e  kv_sync() that does so
**     Q  kv_retire() of the phone
**     A  kv_alter() of the typed table: a column more
**     K  kv_check() of it
**     x  closes the host database
** and in the first program only:
**     w  a transaction while the folder is away: its rows wait
**     p  the phone sets keys
**     P  the phone syncs, and acknowledges what the laptop wrote
**     q  the phone retires the laptop
**     z  one key has several large values, of which history can be given up
**     d  the sum of the last row of the laptop's log changes
**     r  the laptop's log is copied, R  and the copy comes back
**     f  the phone starts its log over
**     C  another laptop put its log in the place of the laptop's
**     D  somebody writes to the tables behind the typed table
** and for that
**     a  kv_open() with adopt=1
**
** In a scenario with a typed table, t, T and p change its rows, too.
*/
#ifndef FAULT_VFS_WORLD_H
#define FAULT_VFS_WORLD_H

#include <sqlite3.h>

#define WORLD_MOST 20

typedef struct world_host {
  const char *name;
  int is_temp;
  const char *settings; /* of the host database, at each opening */
  /*
  ** May a loss of power undo its last commits? In WAL mode, a commit is synced
  ** with synchronous=FULL; the deletion of a journal, with EXTRA alone.
  */
  int is_late;
} world_host;

/* Temp and persistent caches, in rollback-journal and in WAL mode. */
#define WORLD_HOSTS 5
extern const world_host world_hosts[WORLD_HOSTS];

typedef struct scenario {
  const char *name;
  const char *before;
  const char *run;
  int is_for_temp;     /* does it make sense with a temp cache? */
  const char *recover; /* what to do after a fault, if not "os" */
  int is_typed;        /* is there a typed table? */
} scenario;

#define WORLD_SCENARIOS 24
extern const scenario world_scenarios[WORLD_SCENARIOS];

typedef enum world_state {
  WORLD_NONE,
  WORLD_BEGUN, /* in flight */
  WORLD_FAILED,
  WORLD_WAITING, /* for kv_sync(), in a host that is late */
  WORLD_ACKNOWLEDGED,
  WORLD_DAMAGED /* somebody else destroyed it in the log */
} world_state;

/* What is known of each transaction, from 1; lies in shared memory. */
typedef struct world_tally {
  struct {
    world_state state;
    int is_single;
  } txn[WORLD_MOST + 1];
  int last;         /* the number of the last that was begun */
  int compacted;    /* that of the last which a compaction met, or 0 */
  int is_compacted; /* did it end? */
  int is_retired;   /* is the phone? */
  int is_typed;     /* is there a typed table? */
} world_tally;

typedef struct world {
  char *folder;
  const world_host *host;
  const char *recover;
  world_tally *tally;
  sqlite3 *db;
  int puts_off;   /* do commits wait for kv_sync()? */
  int lost_power; /* then the host's own table may be behind */
  char why[2000]; /* what went wrong, in the last call that failed */
} world;

/*
** Only every n-th operation is tried: KV_FAULT_STEP, or this n; fewer where
** sanitizers make everything slow.
*/
int world_every(int otherwise);

/* Does the scenario make sense there, and is its name like KV_FAULT_SCENARIO? */
int world_is_chosen(const world_host *host, const scenario *what);

/* A world in a new folder; children share its tally. */
void world_begin(world *w);
void world_end(world *w);

/* Empty the folder and the account, then run the first program. */
void world_prepare(world *w, const world_host *host, const scenario *what);

/* One step; the laptop's transaction is rolled back if it fails. */
int world_step(world *w, char step);

/* All steps, up to the first that fails. */
int world_run(world *w, const char *steps);

/*
** Before the folder was synced: is what the log lacks counted as waiting?
** 0, or 1 with w->why.
*/
int world_check_waiting(world *w);

/* Is there a commit of the log that was cut off, a journal? */
int world_is_cut(const world *w);

/* Close the laptop. */
void world_close(world *w);

/*
** Open everything and compare it with the account: 0, or 1 with w->why. The
** laptop's and an observer's kv agree with the log, acknowledged transactions
** are in it, none of them in part, and the next one works.
*/
int world_check(world *w);

#endif
