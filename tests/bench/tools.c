/*
** The tools of the benchmark: SQL, keys and values, clock, memory, files, the
** machine. See bench.h.
*/
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "kv.h"

#define POOL_SIZE 65536

_Noreturn void bench_die(const char *format, ...) {
  va_list ap;
  char *text;

  va_start(ap, format);
  text = sqlite3_vmprintf(format, ap);
  va_end(ap);
  fprintf(stderr, "bench: %s\n", text ? text : "out of memory");
  exit(1);
}

static char *tools_format(const char *format, va_list ap) {
  char *text = sqlite3_vmprintf(format, ap);

  if (!text) bench_die("out of memory");
  return text;
}

char *bench_path(const char *format, ...) {
  va_list ap;
  char *path;

  va_start(ap, format);
  path = tools_format(format, ap);
  va_end(ap);
  return path;
}

sqlite3 *bench_connect(const char *path) {
  sqlite3 *db = NULL;
  char *err = NULL;

  if (sqlite3_open(path, &db) != SQLITE_OK) {
    bench_die("%s: %s", path, sqlite3_errmsg(db));
  }
  if (sqlite3_kv_init(db, &err, NULL) != SQLITE_OK) bench_die("%s", err);
  return db;
}

void bench_exec(sqlite3 *db, const char *format, ...) {
  va_list ap;
  char *text;

  va_start(ap, format);
  text = tools_format(format, ap);
  va_end(ap);
  if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK) {
    bench_die("%s: %s", text, sqlite3_errmsg(db));
  }
  sqlite3_free(text);
}

sqlite3_stmt *bench_prepare(sqlite3 *db, const char *format, ...) {
  sqlite3_stmt *stmt = NULL;
  va_list ap;
  char *text;

  va_start(ap, format);
  text = tools_format(format, ap);
  va_end(ap);
  if (sqlite3_prepare_v2(db, text, -1, &stmt, NULL) != SQLITE_OK) {
    bench_die("%s: %s", text, sqlite3_errmsg(db));
  }
  sqlite3_free(text);
  return stmt;
}

void bench_step(sqlite3_stmt *stmt) {
  while (sqlite3_step(stmt) == SQLITE_ROW) {
  }
  if (sqlite3_reset(stmt) != SQLITE_OK) {
    bench_die("%s: %s", sqlite3_sql(stmt),
              sqlite3_errmsg(sqlite3_db_handle(stmt)));
  }
}

int64_t bench_number(sqlite3 *db, const char *format, ...) {
  sqlite3_stmt *stmt;
  int64_t number;
  va_list ap;
  char *text;

  va_start(ap, format);
  text = tools_format(format, ap);
  va_end(ap);
  stmt = bench_prepare(db, "%s", text);
  sqlite3_free(text);
  if (sqlite3_step(stmt) != SQLITE_ROW) {
    bench_die("%s: %s", sqlite3_sql(stmt), sqlite3_errmsg(db));
  }
  number = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  return number;
}

void bench_expect(sqlite3 *db, int64_t expected, const char *sql) {
  int64_t number = bench_number(db, "%s", sql);

  if (number != expected) {
    bench_die("%s: %lld instead of %lld", sql, (long long)number,
              (long long)expected);
  }
}

void bench_load(sqlite3 *db, const char *path) {
  char *err = NULL;

  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL);
  if (sqlite3_load_extension(db, path, NULL, &err) != SQLITE_OK) {
    bench_die("%s: %s", path, err);
  }
}

int bench_has_table(sqlite3 *db, const char *module) {
  return (int)bench_number(
    db, "SELECT count(*) FROM pragma_module_list WHERE name = %Q", module);
}

/* Peers keep their own statements until they are told to finalize them. */
static void tools_end_peers(sqlite3 *db) {
  static const char *const ends[] = {"crsql_finalize", "cloudsync_terminate"};
  int i;

  for (i = 0; i < 2; i++) {
    if (bench_number(
          db, "SELECT count(*) FROM pragma_function_list WHERE name = %Q",
          ends[i]) > 0) {
      bench_exec(db, "SELECT %s()", ends[i]);
    }
  }
}

void bench_close(sqlite3_stmt *stmt, sqlite3 *db) {
  sqlite3_finalize(stmt);
  tools_end_peers(db);
  if (sqlite3_close(db) != SQLITE_OK) bench_die("%s", sqlite3_errmsg(db));
}

static uint64_t tools_mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

int *bench_order(int n, unsigned salt) {
  int *order = malloc((size_t)n * sizeof(*order));
  int i;

  if (!order) bench_die("out of memory");
  for (i = 0; i < n; i++)
    order[i] = i;
  for (i = n - 1; i > 0; i--) {
    uint64_t random = tools_mix(((uint64_t)salt << 32) + (unsigned)i + 1);
    int j = (int)(random % ((unsigned)i + 1));
    int swapped = order[i];
    order[i] = order[j];
    order[j] = swapped;
  }
  return order;
}

void bench_bind_key(sqlite3_stmt *stmt, int parameter, int key) {
  char text[32];

  snprintf(text, sizeof(text), "key %07d", key);
  sqlite3_bind_text(stmt, parameter, text, -1, SQLITE_TRANSIENT);
}

/* A piece of printable random text; large ones repeat it. */
void bench_bind_value(sqlite3_stmt *stmt, int parameter, int key, int version,
                      int size) {
  static char *pool;
  static int pool_size;
  uint64_t at = tools_mix(((uint64_t)(unsigned)version << 32) + (unsigned)key);

  if (pool_size < size + POOL_SIZE) {
    int i;
    free(pool);
    pool_size = size + POOL_SIZE;
    pool = malloc((size_t)pool_size);
    if (!pool) bench_die("out of memory");
    for (i = 0; i < pool_size; i++) {
      pool[i] = (char)(' ' + tools_mix((uint64_t)(i % POOL_SIZE)) % 95);
    }
  }
  sqlite3_bind_text(stmt, parameter, pool + at % POOL_SIZE, size,
                    SQLITE_STATIC);
}

double bench_now(const bench_options *options) {
  struct timespec now;

  clock_gettime(options->is_cpu ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC,
                &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double bench_peak(void) {
  struct rusage usage;

  getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
  return (double)usage.ru_maxrss;
#else
  return (double)usage.ru_maxrss * 1024.0;
#endif
}

static int64_t tools_total;

static int tools_add(const char *path, const struct stat *st, int type,
                     struct FTW *ftw) {
  (void)path;
  (void)ftw;
  if (type == FTW_F) tools_total += (int64_t)st->st_size;
  return 0;
}

int64_t bench_size(const char *path) {
  tools_total = 0;
  if (nftw(path, tools_add, 16, FTW_PHYS) != 0) {
    bench_die("%s: %s", path, strerror(errno));
  }
  return tools_total;
}

void bench_mkdir(const char *path) {
  if (mkdir(path, 0777) != 0 && errno != EEXIST) {
    bench_die("%s: %s", path, strerror(errno));
  }
}

void bench_rename(const char *from, const char *to) {
  if (rename(from, to) != 0) bench_die("%s: %s", from, strerror(errno));
}

static int tools_remove(const char *path, const struct stat *st, int type,
                        struct FTW *ftw) {
  (void)st;
  (void)type;
  (void)ftw;
  return remove(path);
}

void bench_remove(const char *path) {
  nftw(path, tools_remove, 16, FTW_DEPTH | FTW_PHYS);
}

void bench_wait(const bench_options *options, double seconds) {
  struct timespec wait;

  if (options->is_hasty) return;
  wait.tv_sec = (time_t)seconds;
  wait.tv_nsec = (long)((seconds - (double)wait.tv_sec) * 1e9);
  nanosleep(&wait, NULL);
}

/* The first line of a command or of a file that begins with `start`. */
static void tools_print_line(FILE *f, const char *start, const char *before) {
  char line[256];
  int found = 0;

  while (f && !found && fgets(line, sizeof(line), f)) {
    found = strncmp(line, start, strlen(start)) == 0;
  }
  if (found) {
    const char *colon = *start ? strchr(line, ':') : NULL;
    line[strcspn(line, "\r\n")] = '\0';
    printf("%s%s", before, colon ? colon + 2 : line);
  }
}

void bench_describe(const char *dir) {
  struct utsname name;
  double load[1] = {0};
  FILE *f;
  char *command = sqlite3_mprintf(
    "git -C '%s' describe --always --dirty 2>/dev/null", KV_BENCH_SOURCE);

  f = command ? popen(command, "r") : NULL;
  printf("sqlite-kv %s", KV_VERSION);
  tools_print_line(f, "", ", commit ");
  if (f) pclose(f);
  sqlite3_free(command);
  printf("\nSQLite %s\n", sqlite3_libversion());
  if (uname(&name) == 0) {
    printf("%s %s %s", name.sysname, name.release, name.machine);
  }
  f = fopen("/proc/cpuinfo", "r");
  tools_print_line(f, "model name", ", ");
  if (f) fclose(f);
  if (getloadavg(load, 1) != 1) load[0] = -1;
  printf(", %ld cores, load %.1f\nfiles in %s\n", sysconf(_SC_NPROCESSORS_ONLN),
         load[0], dir);
}
