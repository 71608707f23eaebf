/*
** The benchmark: options, a process for each measurement, rounds, the table.
** See bench.h.
*/
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define MOST_ROUNDS 99
#define MOST_VALUES 8
#define MOST_BYTES 268435456 /* of keys and values, else fewer keys */

typedef struct bench_list {
  int n;
  int values[MOST_VALUES];
} bench_list;

/* figure[op][engine][round]; NAN: not measured. */
typedef double bench_figures[BENCH_MOST_OPS][BENCH_MOST_ENGINES][MOST_ROUNDS];

static const char usage[] =
  "kv_bench: kv beside a plain table, in the same run. Options:\n"
  "  --keys=LIST      number of keys: 10000, 100000 (default), 1000000\n"
  "  --values=LIST    bytes of a value: 16, 70 (default), 1000, 100000\n"
  "  --versions=LIST  of each key, in what is read: 1 (default), 10\n"
  "  --cache=LIST     temp (default), persistent\n"
  "  --rounds=N       7 unless given\n"
  "  --commits=N      of one row each, of a burst; 1000 unless given\n"
  "  --many=N         keys of what opens ten times the keys\n"
  "  --devices=N      1000 unless given\n"
  "  --only=TEXT      groups whose name has this text: write, delete,\n"
  "                   commit, burst, read, size, merge, open, memory, persistent,\n"
  "                   idle, history, arrive, conflicts, typed, names\n"
  "  --names=PATH     a file of names, a line each, that are loaded\n"
  "  --engine=NAME    kv, plain or hand alone, for a profiler\n"
  "  --dir=PATH       where files are made; the current directory\n"
  "  --crsqlite=PATH  also measure this extension\n"
  "  --sync=PATH      and this one, sqlite-sync\n"
  "  --clock=cpu      processor time instead of time\n"
  "  --hasty          no waiting for files to be old: all works, but figures\n"
  "                   of syncs are wrong\n"
  "  --large          only try large things, and look at memory\n";

static int takes_part(const bench_options *options,
                      const bench_engine *engine) {
  if (options->engine && strcmp(options->engine, engine->name) != 0) return 0;
  return bench_is_given(options, engine);
}

/* Runs in its own process; the result comes back through a pipe. */
static void in_process(bench_run *run, void (*work)(bench_run *)) {
  double figures[BENCH_MOST_OPS];
  int ends[2];
  int status;
  int i;
  pid_t child;

  if (pipe(ends) != 0) bench_die("no pipe");
  fflush(NULL);
  child = fork();
  if (child < 0) bench_die("no process");
  for (i = 0; i < BENCH_MOST_OPS; i++)
    figures[i] = NAN;
  if (child == 0) {
    run->figures = figures;
    work(run);
    if (write(ends[1], figures, sizeof(figures)) != sizeof(figures)) _exit(1);
    _exit(0);
  }
  close(ends[1]);
  if (read(ends[0], figures, sizeof(figures)) != sizeof(figures)) {
    figures[0] = NAN;
  }
  close(ends[0]);
  if (waitpid(child, &status, 0) != child || status != 0) {
    bench_remove(run->options->dir);
    bench_die("%s failed", run->engine ? run->engine->name : "preparing");
  }
  if (run->figures) memcpy(run->figures, figures, sizeof(figures));
}

static void measure_round(const bench_options *options,
                          const bench_group *group, const char *shared,
                          int round, bench_figures *out) {
  int e;
  int op;

  for (e = 0; e < bench_n_engines; e++) {
    double figures[BENCH_MOST_OPS];
    bench_run run = {0};

    if (!takes_part(options, &bench_engines[e])) continue;
    run.options = options;
    run.engine = &bench_engines[e];
    run.dir = bench_path("%s/run", options->dir);
    run.shared = shared;
    run.figures = figures;
    bench_mkdir(run.dir);
    in_process(&run, group->measure);
    bench_remove(run.dir);
    for (op = 0; op < BENCH_MOST_OPS; op++)
      (*out)[op][e][round] = figures[op];
  }
}

static int compare_numbers(const void *a, const void *b) {
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The median of the values that are numbers; NAN if there are none. */
static double median(const double *values, int n, double *low, double *high) {
  double sorted[MOST_ROUNDS];
  int m = 0;
  int i;

  for (i = 0; i < n; i++) {
    if (!isnan(values[i])) sorted[m++] = values[i];
  }
  *low = *high = NAN;
  if (m == 0) return NAN;
  qsort(sorted, (size_t)m, sizeof(*sorted), compare_numbers);
  *low = sorted[0];
  *high = sorted[m - 1];
  return (sorted[(m - 1) / 2] + sorted[m / 2]) / 2;
}

static void print_number(double x, int width) {
  if (isnan(x)) {
    printf(" %*s", width, "-");
  } else {
    printf(" %*.*f", width, fabs(x) < 100 ? 2 : 0, x);
  }
}

/* "ok" within the target, "most" within the maximum, else "over". */
static void print_verdict(const bench_op *op, double figure, double ratio) {
  double x = op->is_absolute ? figure : ratio;

  if (op->most == 0 || isnan(x)) {
    printf("\n");
  } else {
    printf("  %g (%g)%s %s\n", op->target, op->most,
           op->is_absolute ? " abs." : "",
           x <= op->target ? "ok"
           : x <= op->most ? "most"
                           : "over");
  }
}

static void print_op(const bench_options *options, const bench_op *op,
                     double (*figures)[MOST_ROUNDS], int rounds) {
  double ratios[BENCH_MOST_ENGINES] = {NAN, NAN, NAN, NAN, NAN};
  double low[BENCH_MOST_ENGINES];
  double high[BENCH_MOST_ENGINES];
  double kv = NAN;
  double unused;
  int e;
  int i;

  printf("%-38s %-9s", op->name, op->unit);
  for (e = 0; e < bench_n_engines; e++) {
    double ratio[MOST_ROUNDS];
    double figure;

    if (!takes_part(options, &bench_engines[e])) continue;
    figure = median(figures[e], rounds, &unused, &unused);
    if (e == 0) kv = figure;
    print_number(figure, 8);
    for (i = 0; i < rounds; i++)
      ratio[i] = figures[e][i] / figures[1][i];
    ratios[e] = median(ratio, rounds, &low[e], &high[e]);
  }
  printf(" |");
  for (e = 0; e < bench_n_engines; e++) {
    if (e == 1 || !takes_part(options, &bench_engines[e])) continue;
    print_number(ratios[e], 6);
    if (e > 0) continue;
    if (isnan(ratios[e])) {
      printf(" %12s", "");
    } else {
      printf(" %5.2f-%-6.2f", low[e], high[e]);
    }
  }
  print_verdict(op, kv, ratios[0]);
}

static void print_head(const bench_options *options) {
  int e;

  printf("\n%d keys of %d bytes, values of %d bytes, %s cache, %d version%s, "
         "%d rounds%s\n",
         options->n_keys, BENCH_KEY_SIZE, options->value_size,
         options->is_persistent ? "persistent" : "temp", options->versions,
         options->versions > 1 ? "s" : "", options->rounds,
         options->is_cpu ? ", processor time" : "");
  printf("\n%-48s", "");
  for (e = 0; e < bench_n_engines; e++) {
    if (takes_part(options, &bench_engines[e])) {
      printf(" %8s", bench_engines[e].name);
    }
  }
  printf(" | ratio %-12s", "of rounds");
  for (e = 2; e < bench_n_engines; e++) {
    if (takes_part(options, &bench_engines[e])) {
      printf(" %6.6s", bench_engines[e].name);
    }
  }
  printf("  target (most)\n");
}

static void measure_group(const bench_options *options,
                          const bench_group *group) {
  static bench_figures figures;
  char *shared = bench_path("%s/shared", options->dir);
  int rounds = group->is_once ? 1 : options->rounds;
  int i;

  bench_mkdir(shared);
  if (group->prepare) {
    bench_run run = {0};
    run.options = options;
    run.shared = shared;
    in_process(&run, group->prepare);
  }
  for (i = 0; i < rounds; i++)
    measure_round(options, group, shared, i, &figures);
  bench_remove(shared);
  for (i = 0; i < BENCH_MOST_OPS && group->ops[i].name; i++) {
    print_op(options, &group->ops[i], figures[i], rounds);
  }
  fflush(stdout);
}

static void measure_all(const bench_options *options,
                        const bench_group *groups) {
  for (; groups->name; groups++) {
    if (options->only && !strstr(options->only, groups->name)) continue;
    measure_group(options, groups);
  }
}

static void parse_list(const char *text, bench_list *out) {
  out->n = 0;
  while (*text && out->n < MOST_VALUES) {
    char *end;
    long value = strtol(text, &end, 10);

    if (end == text || (*end && *end != ',') || value < 1 ||
        value > 100000000) {
      bench_die("not a list of numbers: %s", text);
    }
    out->values[out->n++] = (int)value;
    text = *end ? end + 1 : end;
  }
}

static int parse_number(const char *text) {
  bench_list list;

  parse_list(text, &list);
  if (list.n != 1) bench_die("not a number: %s", text);
  return list.values[0];
}

/* The text after an option's name, or NULL if it is another option. */
static const char *option_value(const char *argument, const char *name) {
  size_t n = strlen(name);
  return strncmp(argument, name, n) == 0 ? argument + n : NULL;
}

typedef struct bench_lists {
  bench_list keys, values, versions, caches;
} bench_lists;

static void parse(int argc, char **argv, bench_options *options,
                  bench_lists *lists) {
  const char *text;
  int i;

  for (i = 1; i < argc; i++) {
    const char *a = argv[i];

    if ((text = option_value(a, "--keys="))) {
      parse_list(text, &lists->keys);
    } else if ((text = option_value(a, "--values="))) {
      parse_list(text, &lists->values);
    } else if ((text = option_value(a, "--versions="))) {
      parse_list(text, &lists->versions);
    } else if ((text = option_value(a, "--cache="))) {
      lists->caches.n = 0;
      if (strstr(text, "temp")) lists->caches.values[lists->caches.n++] = 0;
      if (strstr(text, "pers")) lists->caches.values[lists->caches.n++] = 1;
    } else if ((text = option_value(a, "--rounds="))) {
      options->rounds = parse_number(text);
      if (options->rounds > MOST_ROUNDS) options->rounds = MOST_ROUNDS;
    } else if ((text = option_value(a, "--commits="))) {
      options->n_commits = parse_number(text);
    } else if ((text = option_value(a, "--many="))) {
      options->n_many = parse_number(text);
    } else if ((text = option_value(a, "--devices="))) {
      options->n_devices = parse_number(text);
    } else if ((text = option_value(a, "--only="))) {
      options->only = text;
    } else if ((text = option_value(a, "--names="))) {
      options->names = text;
    } else if ((text = option_value(a, "--dir="))) {
      options->dir = text;
    } else if ((text = option_value(a, "--crsqlite="))) {
      options->extension[0] = text;
    } else if ((text = option_value(a, "--sync="))) {
      options->extension[1] = text;
    } else if (strcmp(a, "--clock=cpu") == 0) {
      options->is_cpu = 1;
    } else if ((text = option_value(a, "--engine="))) {
      options->engine = text;
    } else if (strcmp(a, "--hasty") == 0) {
      options->is_hasty = 1;
    } else if (strcmp(a, "--large") == 0) {
      options->is_large = 1;
    } else {
      fputs(usage, strcmp(a, "--help") == 0 ? stdout : stderr);
      exit(strcmp(a, "--help") != 0);
    }
  }
}

/* One part of the table. */
static void measure_case(bench_options options, int n_keys) {
  int most = MOST_BYTES / (options.value_size + BENCH_KEY_SIZE);
  int ten_times = n_keys < 100000 ? 10 * n_keys : 1000000;

  options.n_keys = n_keys < most ? n_keys : most;
  if (!options.n_many) options.n_many = ten_times;
  if (options.n_many > 10 * most) options.n_many = 10 * most;
  if (options.n_keys < 100) bench_die("less than 100 keys are too few");
  print_head(&options);
  measure_all(&options, bench_row_groups);
  measure_all(&options, bench_folder_groups);
  measure_all(&options, bench_arrive_groups);
  measure_all(&options, bench_typed_groups);
  if (options.names) measure_all(&options, bench_name_groups);
}

int main(int argc, char **argv) {
  bench_options options = {0};
  bench_lists lists = {{1, {100000}}, {1, {70}}, {1, {1}}, {1, {0}}};
  char *dir;
  int k, v, w, c;

  options.rounds = 7;
  options.n_devices = 1000;
  options.n_commits = 1000;
  options.dir = ".";
  parse(argc, argv, &options, &lists);
  dir = bench_path("%s/kv_bench.XXXXXX", options.dir);
  if (!mkdtemp(dir)) bench_die("cannot make %s", dir);
  options.dir = realpath(dir, NULL);
  bench_describe(options.dir);
  if (options.is_large) {
    bench_large(&options);
  } else {
    for (c = 0; c < lists.caches.n; c++)
      for (k = 0; k < lists.keys.n; k++)
        for (v = 0; v < lists.values.n; v++)
          for (w = 0; w < lists.versions.n; w++) {
            options.is_persistent = lists.caches.values[c];
            options.value_size = lists.values.values[v];
            options.versions = lists.versions.values[w];
            measure_case(options, lists.keys.values[k]);
          }
  }
  bench_remove(options.dir);
  return 0;
}
