/*
** The laptop's process dies at an operation on a file, and the next one opens
** what it left.
**
** This tries a sample of all operations; KV_FAULT_STEP=1 tries each of them,
** reads and locks too, and 5 every fifth. In a recovery, deaths come after
** operations that change files: between those, nothing changes.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "vfs_fault.h"
#include "vfs_image.h"
#include "vfs_world.h"

static long n_deaths;

/* Run in a child that dies at an operation; returns 0 if it reached its end. */
static int die_at(world *w, const char *steps, const fault_plan *plan) {
  pid_t child = fork();
  int status = 0;

  if (child == 0) {
    fault_arm(plan);
    if (world_run(w, steps) != SQLITE_OK ||
        (steps == w->recover && world_step(w, 't') != SQLITE_OK)) {
      print_error("%s\n", w->why);
      _exit(1);
    }
    world_close(w);
    _exit(0);
  }
  assert_true(child > 0 && waitpid(child, &status, 0) == child);
  assert_true(WIFEXITED(status));
  assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == FAULT_DIED);
  n_deaths += WEXITSTATUS(status) == FAULT_DIED;
  return WEXITSTATUS(status) == FAULT_DIED;
}

static void check(world *w, const scenario *what, const fault_plan *plan,
                  const fault_plan *second) {
  if (!world_check(w)) return;
  print_error("%s, %s, died at %ld of %x (%d)", w->host->name, what->name,
              plan->at, plan->kinds, (int)plan->how);
  if (second) print_error(" and in the recovery at %ld", second->at);
  print_error(":\n  %s\n", w->why);
  fail();
}

/* Restore the account together with the folder. */
typedef struct moment {
  image folder;
  world_tally tally;
} moment;

static void keep(const world *w, moment *out) {
  image_load(&out->folder, w->folder);
  out->tally = *w->tally;
}

static void bring_back(world *w, const moment *from) {
  image_lay_out(&from->folder, w->folder);
  *w->tally = from->tally;
}

/* Die in the recovery, too: at every KV_FAULT_AGAINth operation. */
static void die_again(world *w, const scenario *what, const fault_plan *first) {
  fault_plan plan = {FAULT_TRACES, 1, FAULT_DIE_BEFORE, 0};
  const char *again = getenv("KV_FAULT_AGAIN");
  int step = again ? atoi(again) : world_every(3);
  moment crashed;

  keep(w, &crashed);
  plan.at = 1 + first->at % step;
  while (die_at(w, w->recover, &plan)) {
    check(w, what, first, &plan);
    bring_back(w, &crashed);
    plan.at += step;
  }
  check(w, what, first, &plan);
  image_free(&crashed.folder);
}

/* Check what each death leaves, or die again in its recovery. */
static void die_everywhere(world *w, const scenario *what, unsigned kinds,
                           fault_how how, int step, int is_twice) {
  fault_plan plan = {kinds, 1, how, 0};
  moment before;

  plan.at = 1 + (long)strlen(what->name) % step;
  keep(w, &before);
  while (die_at(w, what->run, &plan)) {
    if (is_twice) {
      die_again(w, what, &plan);
    } else {
      check(w, what, &plan, NULL);
    }
    bring_back(w, &before);
    plan.at += step;
  }
  check(w, what, &plan, NULL);
  image_free(&before.folder);
}

static void for_each(void (*run)(world *w, const scenario *what)) {
  world w;
  int i;
  int j;

  n_deaths = 0;
  world_begin(&w);
  for (i = 0; i < WORLD_HOSTS; i++) {
    for (j = 0; j < WORLD_SCENARIOS; j++) {
      const scenario *what = &world_scenarios[j];

      if (!world_is_chosen(&world_hosts[i], what)) continue;
      world_prepare(&w, &world_hosts[i], what);
      run(&w, what);
    }
  }
  world_end(&w);
  print_message("%ld deaths\n", n_deaths);
  assert_true(n_deaths > 5);
}

static void before(world *w, const scenario *what) {
  die_everywhere(w, what, getenv("KV_FAULT_STEP") ? FAULT_ALL : FAULT_CHANGES,
                 FAULT_DIE_BEFORE, world_every(3), 0);
}

static void after(world *w, const scenario *what) {
  die_everywhere(w, what, FAULT_CHANGES, FAULT_DIE_AFTER, world_every(11), 0);
}

static void half(world *w, const scenario *what) {
  die_everywhere(w, what, FAULT_BIT(WRITE), FAULT_DIE_HALF, world_every(5), 0);
}

static void recovery(world *w, const scenario *what) {
  die_everywhere(w, what, FAULT_TRACES, FAULT_DIE_AFTER, world_every(61), 1);
}

static void a_death_before_an_operation_loses_nothing(void **state) {
  (void)state;
  for_each(before);
}

static void a_death_after_an_operation_loses_nothing(void **state) {
  (void)state;
  for_each(after);
}

static void a_death_in_the_middle_of_a_write_loses_nothing(void **state) {
  (void)state;
  for_each(half);
}

static void a_death_in_the_recovery_loses_nothing(void **state) {
  (void)state;
  for_each(recovery);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_death_before_an_operation_loses_nothing),
    cmocka_unit_test(a_death_after_an_operation_loses_nothing),
    cmocka_unit_test(a_death_in_the_middle_of_a_write_loses_nothing),
    cmocka_unit_test(a_death_in_the_recovery_loses_nothing),
  };

  if (argc > 1) cmocka_set_test_filter(argv[1]);
  fault_install();
  return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
