/*
** The benchmark: what its files share. README.md says what is measured.
**
**   bench.c      options, processes, rounds, the table
**   engines.c    what is compared: kv, plain, hand-written, peers
**   tools.c      SQL, keys and values, clock, memory, files, the machine
**   rows.c       groups of operations on rows: set, read, delete, commit
**   folders.c    groups of operations on folders: merge, open, idle, history
**   arrive.c     more of them: deletes that arrive, conflicts
**   names.c      a load of real names
**   typed.c      typed tables
**   large.c      what is measured only with --large
**
** A group is a sequence of operations that one process does with one engine, in
** its own folder. Any failure ends the process with a message: every figure
** stands for work that was done.
*/
#ifndef KV_BENCH_H
#define KV_BENCH_H

#include <sqlite3.h>
#include <stdint.h>

#define BENCH_KEY_SIZE 11 /* "key 0012345" */
#define BENCH_MOST_OPS 10
#define BENCH_MOST_ENGINES 5

typedef struct bench_options {
  int n_keys;
  int value_size;
  int versions; /* of each key */
  int is_persistent;
  int is_memory; /* temporary tables are in memory, not in files */
  int rounds;
  int n_commits; /* of a burst */
  int n_devices;
  int n_many; /* keys of measurements with a million */
  int is_cpu; /* measure processor time */
  int is_large;
  const char *names; /* a file of names, a line each, or NULL */
  int is_hasty;      /* do not wait until files are old enough: wrong figures */
  const char *only;  /* part of the name of a group, or NULL */
  const char *engine; /* the only one, or NULL */
  const char *dir;
  const char *extension[2]; /* of cr-sqlite and sqlite-sync, or NULL */
} bench_options;

typedef struct bench_run bench_run;

/* Where an engine keeps its table if it has no log. */
typedef enum bench_place { BENCH_FILE, BENCH_TEMP } bench_place;

typedef struct bench_engine {
  const char *name;
  int extension;        /* its place in the options; -1: none is needed */
  const char *make_own; /* make a table (%Q) one of a peer's; NULL: no peer */
  /* Make a table, empty, in the folder of the run. */
  void (*create)(bench_run *run, bench_place place);
  /* Prepare the source of merge(): n_keys rows of a device, in `dir`. */
  void (*make_source)(bench_run *run, const char *dir, int n_keys);
  /* The part of merge() that is not measured; then the merge. */
  void (*attach)(bench_run *run, const char *dir);
  void (*merge)(bench_run *run);
  /* Statements; ?1 is the key or the lower bound, ?2 the other one. */
  const char *set;
  const char *drop;
  const char *get;
  const char *get_function; /* NULL: only `get` is possible */
  const char *scan;
  const char *range;
} bench_engine;

extern const bench_engine bench_engines[];
extern const int bench_n_engines;
int bench_is_given(const bench_options *options, const bench_engine *engine);
/* What a peer merges from this database, made before it is measured. */
void bench_pack(sqlite3 *db);
#define BENCH_KV (&bench_engines[0])
#define BENCH_PLAIN (&bench_engines[1])
#define BENCH_HAND (&bench_engines[2])

struct bench_run {
  const bench_options *options;
  const bench_engine *engine;
  const char *dir;    /* of this run, empty at first */
  const char *shared; /* what the group prepared */
  sqlite3 *db;
  double *figures;
};

typedef struct bench_op {
  const char *name;
  const char *unit;
  double target; /* of the ratio to plain, or 0 */
  double most;
  int is_absolute; /* target and most are of the figure itself */
} bench_op;

typedef struct bench_group {
  const char *name;
  void (*prepare)(bench_run *run); /* once, into run->shared; or NULL */
  void (*measure)(bench_run *run); /* sets run->figures[] */
  int is_once;                     /* the same in every round */
  bench_op ops[BENCH_MOST_OPS];
} bench_group;

extern const bench_group bench_row_groups[];
extern const bench_group bench_folder_groups[];
extern const bench_group bench_arrive_groups[];
extern const bench_group bench_name_groups[];
extern const bench_group bench_typed_groups[];

/* Rows. */
void bench_fill(bench_run *run, int n_keys, int version);
void bench_drop(bench_run *run, int n_keys); /* in one transaction */
void bench_copy(const char *from, const char *to);
void bench_large(const bench_options *options);

/* SQL. %Q and the like in `format` are those of sqlite3_mprintf(). */
sqlite3 *bench_connect(const char *path);
void bench_exec(sqlite3 *db, const char *format, ...);
sqlite3_stmt *bench_prepare(sqlite3 *db, const char *format, ...);
int64_t bench_number(sqlite3 *db, const char *format, ...);
void bench_step(sqlite3_stmt *stmt); /* to its end, and reset */
void bench_expect(sqlite3 *db, int64_t expected, const char *sql);
void bench_load(sqlite3 *db, const char *path); /* an extension */
int bench_has_table(sqlite3 *db, const char *module);
void bench_close(sqlite3_stmt *stmt, sqlite3 *db);

/* Keys in an order that differs with `salt`, and values. */
int *bench_order(int n, unsigned salt); /* for free() */
void bench_bind_key(sqlite3_stmt *stmt, int parameter, int key);
void bench_bind_value(sqlite3_stmt *stmt, int parameter, int key, int version,
                      int size);

/* Clock, memory, files (a folder has the size of its files). Sizes in bytes, times in seconds. */
double bench_now(const bench_options *options);
double bench_peak(void);
int64_t bench_size(const char *path);
char *bench_path(const char *format, ...); /* never freed: processes end */
void bench_mkdir(const char *path);
void bench_rename(const char *from, const char *to);
void bench_remove(const char *path);
void bench_wait(const bench_options *options, double seconds);
void bench_describe(const char *dir); /* machine, SQLite, commit */
_Noreturn void bench_die(const char *format, ...);

#endif
