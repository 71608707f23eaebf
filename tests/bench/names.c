/*
** A load of real names, such as those of packages, in the order of a file; their
** values are JSON of the sizes that such have: most of 80 to 300 bytes. See
** bench.h.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define NAMES_MOST 1000000
#define NAMES_LINE 512

typedef struct names_list {
  char **names;
  int n;
} names_list;

static names_list names_read(const char *path) {
  names_list list = {malloc(NAMES_MOST * sizeof(char *)), 0};
  char line[NAMES_LINE];
  FILE *in = fopen(path, "r");

  if (!in || !list.names) bench_die("cannot read %s", path);
  while (list.n < NAMES_MOST && fgets(line, sizeof(line), in)) {
    line[strcspn(line, "\r\n")] = '\0';
    if (*line) list.names[list.n++] = bench_path("%s", line);
  }
  fclose(in);
  if (list.n == 0) bench_die("%s has no lines", path);
  return list;
}

/* What is told of a package: a version, a size, and some others it needs. */
static char *names_value(const names_list *list, int i) {
  unsigned random = (unsigned)i * 2654435761u;
  sqlite3_str *text = sqlite3_str_new(NULL);
  int n_needs = (int)((random >> 8) % 8 * ((random >> 16) % 3));
  int j;

  sqlite3_str_appendf(text,
                      "{\"version\":\"%u.%u.%u-%u\",\"size\":%u,"
                      "\"section\":\"libs\",\"needs\":[",
                      random % 9, random % 31, random % 17, random % 5,
                      random % 5000000);
  for (j = 1; j <= n_needs; j++) {
    unsigned other = (random / (unsigned)j) % (unsigned)list->n;
    sqlite3_str_appendf(text, "%s\"%w\"", j > 1 ? "," : "", list->names[other]);
  }
  sqlite3_str_appendall(text, "]}");
  return sqlite3_str_finish(text);
}

static void measure_names(bench_run *run) {
  names_list list = names_read(run->options->names);
  char **values = malloc((size_t)list.n * sizeof(char *));
  sqlite3_stmt *stmt;
  double start;
  int i;

  if (!values) bench_die("out of memory");
  for (i = 0; i < list.n; i++)
    values[i] = names_value(&list, i);
  run->engine->create(run, BENCH_FILE);
  stmt = bench_prepare(run->db, "%s", run->engine->set);
  start = bench_now(run->options);
  bench_exec(run->db, "BEGIN");
  for (i = 0; i < list.n; i++) {
    sqlite3_bind_text(stmt, 1, list.names[i], -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, values[i], -1, SQLITE_STATIC);
    bench_step(stmt);
  }
  bench_exec(run->db, "COMMIT");
  run->figures[0] = 1e6 * (bench_now(run->options) - start) / list.n;
  bench_close(stmt, run->db);
}

const bench_group bench_name_groups[] = {
  {"names",
   NULL,
   measure_names,
   0,
   {{"load of names, JSON values", "us/row", 2.2, 2.5, 0}}},
  {0}};
