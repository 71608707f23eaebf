#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "connection/registry.h"
#include "db/error.h"
#include "store/errors.h"
#include "support/files.h"
#include "support/rc.h"
#include "support/stores.h"

static void a_private_code_does_not_leave_a_store(void **state) {
  test_store t;

  (void)state;
  test_store_open(&t, ":memory:", "laptop");
  assert_rc(kv_store_error(t.store, &t.err, KV_GAP, "cannot publish"),
            SQLITE_CORRUPT);
  assert_string_equal(t.err,
                      "kv: cannot publish: database disk image is malformed");
  test_store_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_private_code_does_not_leave_a_store),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
