/*
** The power fails after an operation on a file: writes that were not synced
** are lost, reordered or torn. See vfs_power.h.
**
** This tries a sample of all operations, with one loss at each. KV_FAULT_STEP=1
** tries each of them, and each operation of the recovery from each of these
** losses; KV_FAULT_SEEDS=100 tries this many losses at each.
*/
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/rc.h"
#include "vfs_fault.h"
#include "vfs_image.h"
#include "vfs_power.h"
#include "vfs_world.h"

/* Losses with the same result are checked once. */
#define CHECKED (1 << 22)

static struct {
  world *w;
  const scenario *what;
  char *folder;   /* where the disk is restored after the loss */
  unsigned seeds; /* how many losses at a point */
  int step;       /* at every so many points */
  int is_twice;   /* in the recovery, too */
  int is_between; /* only between a rename and the fsync of its directory */
  int n_renamed;  /* renames that no fsync has followed */
  int depth;
  long n_points;
  struct {
    long n_losses;
    long n_checks;
    uint64_t checked[CHECKED];
  } * shared;        /* with children */
  unsigned n_worlds; /* how many scenarios were begun */
  int is_wrong;
} run;

/* With few losses at each point, vary their kind from point to point. */
static unsigned seed_of(unsigned k) {
  if (run.seeds > 2) return k;
  return run.n_points % 3 < 2 ? (unsigned)run.n_points % 3
                              : (unsigned)run.n_points + k;
}

static void point(const fault_event *event);

static int say_wrong(const world *w, unsigned seed) {
  print_error("%s, %s, power lost at point %ld%s, seed %u:\n  %s\n",
              w->host->name, run.what->name, run.n_points,
              run.depth ? " of a recovery" : "", seed, w->why);
  return 1;
}

/* Recover, with a loss at each point of that. */
static int recover(world *w, unsigned seed) {
  image before;
  int is_wrong;

  image_load(&before, w->folder);
  w->folder = image_make_folder();
  image_lay_out(&before, w->folder);
  image_free(&before);
  run.depth = 1;
  run.w = w;
  run.step = world_every(3);
  power_begin(w->folder);
  fault_watch(point);
  is_wrong = (world_run(w, w->recover) != SQLITE_OK ||
              world_step(w, 't') != SQLITE_OK) &&
             say_wrong(w, seed);
  world_close(w);
  fault_watch(NULL);
  image_remove(w->folder, 1);
  return is_wrong || run.is_wrong;
}

/* Has the same result been checked before, with the same account? */
static int is_first_time(const image *left, const world_tally *tally) {
  uint64_t hash = image_hash(left, (uint64_t)run.depth << 62 | run.n_worlds);
  size_t i;

  for (i = 0; i < sizeof(*tally); i++) {
    hash = (hash ^ ((const unsigned char *)tally)[i]) * 1099511628211u;
  }
  for (i = (size_t)(hash % CHECKED); run.shared->checked[i]; i++) {
    if (run.shared->checked[i] == hash) return 0;
  }
  run.shared->checked[i] = hash;
  run.shared->n_checks++;
  return 1;
}

/* In a child: is everything right after the losses at this point? */
static int lose(unsigned n) {
  world w = *run.w;
  world_tally tally;
  unsigned k;

  fault_watch(NULL);
  w.tally = &tally;
  w.db = NULL;
  w.lost_power = 1;
  w.folder = run.folder;
  for (k = 0; k < n; k++) {
    unsigned seed = seed_of(k);
    image left;
    int is_new;

    tally = *run.w->tally;
    power_lose(seed, &left);
    run.shared->n_losses++;
    is_new = is_first_time(&left, &tally);
    if (is_new) image_lay_out(&left, w.folder);
    image_free(&left);
    if (run.is_twice && !run.depth) return is_new && recover(&w, seed);
    if (is_new && world_check(&w)) return say_wrong(&w, seed);
  }
  return 0;
}

/* After each operation that changes something. */
static void point(const fault_event *event) {
  unsigned n;
  int status = 0;
  pid_t child;

  if (!(FAULT_CHANGES & (1u << event->kind))) return;
  power_follow(event);
  if (event->kind == FAULT_RENAME) run.n_renamed++;
  if (event->kind == FAULT_SYNC_FOLDER) run.n_renamed = 0;
  if (run.is_between && run.n_renamed == 0) return;
  if (run.is_wrong || run.n_points++ % run.step != 0) return;
  n = power_unsettled() ? run.seeds : 1;
  child = fork();
  if (child == 0) _exit(lose(n));
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
      WEXITSTATUS(status) != 0) {
    run.is_wrong = 1;
  }
}

static void lose_power(int step, unsigned n_seeds, int is_twice,
                       int is_between) {
  const char *seeds = getenv("KV_FAULT_SEEDS");
  world w;
  int i;
  int j;

  run.seeds = seeds ? (unsigned)atoi(seeds) : n_seeds;
  run.step = step;
  run.is_twice = is_twice;
  run.is_between = is_between;
  run.n_points = 0;
  run.depth = 0;
  run.shared = mmap(NULL, sizeof(*run.shared), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  run.is_wrong = 0;
  world_begin(&w);
  run.folder = image_make_folder();
  for (i = 0; i < WORLD_HOSTS; i++) {
    for (j = 0; j < WORLD_SCENARIOS && !run.is_wrong; j++) {
      run.w = &w;
      run.what = &world_scenarios[j];
      if (!world_is_chosen(&world_hosts[i], run.what)) continue;
      world_prepare(&w, &world_hosts[i], run.what);
      run.n_worlds++;
      run.n_renamed = 0;
      power_begin(w.folder);
      fault_watch(point);
      assert_rc(world_run(&w, run.what->run), SQLITE_OK);
      world_close(&w);
      fault_watch(NULL);
      power_end();
    }
  }
  image_remove(run.folder, 1);
  free(run.folder);
  world_end(&w);
  print_message("%ld points, %ld losses of power, %ld of them different\n",
                run.n_points, run.shared->n_losses, run.shared->n_checks);
  munmap(run.shared, sizeof(*run.shared));
  assert_false(run.is_wrong);
  assert_true(run.n_points > (is_between ? 30 : 100));
}

static void a_loss_of_power_loses_nothing_acknowledged(void **state) {
  (void)state;
  lose_power(world_every(3), 1, 0, 0);
}

static void nor_does_one_during_the_recovery(void **state) {
  (void)state;
  lose_power(world_every(41), 1, 1, 0);
}

/* Of sealed files, copies and logs that are made anew. */
static void power_loss_between_rename_and_directory_fsync(void **state) {
  (void)state;
  lose_power(1, 8, 0, 1);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_loss_of_power_loses_nothing_acknowledged),
    cmocka_unit_test(nor_does_one_during_the_recovery),
    cmocka_unit_test(power_loss_between_rename_and_directory_fsync),
  };

  if (argc > 1) cmocka_set_test_filter(argv[1]);
  fault_install();
  return cmocka_run_group_tests_name("power", tests, NULL, NULL);
}
