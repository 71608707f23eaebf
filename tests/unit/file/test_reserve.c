#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/sqlite.h"
#include "file/reserve.h"
#include "support/files.h"
#include "support/rc.h"

#define ROOM 100000

/* A VFS whose files can take only this many bytes. */
static struct small {
  sqlite3_vfs vfs;
  sqlite3_vfs *real;
  sqlite3_io_methods methods;
  int (*write)(sqlite3_file *, const void *, int, sqlite3_int64);
  sqlite3_int64 size;
} small;

static int small_write(sqlite3_file *file, const void *bytes, int n,
                       sqlite3_int64 at) {
  if (at + n > small.size) return SQLITE_FULL;
  return small.write(file, bytes, n, at);
}

static int small_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file,
                      int flags, int *out) {
  int rc = small.real->xOpen(small.real, name, file, flags, out);

  (void)vfs;
  if (rc != SQLITE_OK) return rc;
  small.methods = *file->pMethods;
  small.write = small.methods.xWrite;
  small.methods.xWrite = small_write;
  file->pMethods = &small.methods;
  return SQLITE_OK;
}

static sqlite3_vfs *small_vfs(sqlite3_int64 size) {
  small.real = sqlite3_vfs_find(NULL);
  small.vfs = *small.real;
  small.vfs.xOpen = small_open;
  small.size = size;
  return &small.vfs;
}

/*
** For a file that does not exist, the system does not say how much room there
** is. Windows says it of the folder.
*/
static const char *unknown(void **state) {
  test_not_on_windows("the room of a folder is known");
  return test_path("%s/log.db", *state);
}

static void with_plenty_of_space_nothing_is_held(void **state) {
  const char *path = test_path("%s/log.db", *state);
  int holds = 1;

  test_write(path, "log", 3);
  assert_rc(kv_reserve_hold(sqlite3_vfs_find(NULL), path, ROOM, &holds),
            SQLITE_OK);
  assert_false(holds);
  assert_false(test_exists(test_path("%s.room-journal", path)));
}

static void a_file_holds_the_space_until_it_is_dropped(void **state) {
  sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
  const char *path = unknown(state);
  const char *room = test_path("%s.room-journal", path);
  unsigned char *bytes;
  size_t n_zeros = 0;
  size_t i;
  size_t n;
  int holds = 0;

  test_write(room, "of a crash", 10);
  assert_rc(kv_reserve_hold(vfs, path, ROOM, &holds), SQLITE_OK);
  assert_true(holds);
  bytes = test_read(room, &n);
  assert_int_equal(n, ROOM);
  /* Its content is nothing that a disk could compress. */
  for (i = 0; i < n; i++)
    n_zeros += bytes[i] == 0;
  assert_true(n_zeros < ROOM / 100);
  sqlite3_free(bytes);
  kv_reserve_drop(vfs, path);
  assert_false(test_exists(room));
}

static void if_the_disk_is_full_nothing_is_held(void **state) {
  const char *path = unknown(state);
  int holds = 1;

  assert_rc(kv_reserve_hold(small_vfs(ROOM - 1), path, ROOM, &holds),
            SQLITE_FULL);
  assert_false(holds);
  assert_false(test_exists(test_path("%s.room-journal", path)));
  assert_rc(kv_reserve_hold(small_vfs(ROOM), path, ROOM, &holds), SQLITE_OK);
  assert_true(holds);
}

static void if_no_file_can_be_created_nothing_is_held(void **state) {
  sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
  const char *path = unknown(state);
  const char *room = test_path("%s.room-journal", path);
  int holds = 1;

  assert_rc(
    kv_reserve_hold(vfs, test_path("%s/gone/log.db", *state), ROOM, &holds) &
      0xff,
    SQLITE_CANTOPEN);
  assert_false(holds);
  test_make_folder(room);
  holds = 1;
  assert_int_not_equal(kv_reserve_hold(vfs, path, ROOM, &holds), SQLITE_OK);
  assert_false(holds);
  assert_true(test_exists(room));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    test_in_folder(with_plenty_of_space_nothing_is_held),
    test_in_folder(a_file_holds_the_space_until_it_is_dropped),
    test_in_folder(if_the_disk_is_full_nothing_is_held),
    test_in_folder(if_no_file_can_be_created_nothing_is_held),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
