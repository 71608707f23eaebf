/*
** libFuzzer on logs of other devices: each input is a file that kv_sync() finds
** instead of a log, in stores that have read none, half and all of the log that
** it was made from.
**
** An input begins with a byte that says how the file is made:
**
**     'r'   the rest of the input is the file
**     'p'   the rest is a script that changes bytes of the original
**     's'   the rest is rows, which get correct sums: another log
**
** With 'r' and 'p', which do not repair checksums, a store must show whole
** transactions of the original, starting with the first, and must not lose rows
** that were read. With 's' it must show a prefix of what was written. When the
** original is back, it is shown completely. If another log had replaced it, it
** may count as an older copy until it grows.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/connection.h"
#include "support/files.h"
#include "support/logs.h"

#define ROWS                                                                   \
  "SELECT seq, txn, ts, op, parent_ts, bucket, quote(key), quote(value) "      \
  "FROM kv_log WHERE device = 'phone' ORDER BY seq"

/* A store that has read the log up to some row. */
typedef struct fuzz_reader {
  sqlite3 *db;
  size_t n_shown; /* bytes of ROWS */
} fuzz_reader;

static char *fuzz_log;              /* path of the log of phone */
static unsigned char *fuzz_whole;   /* the original */
static size_t fuzz_size;            /* its bytes */
static char *fuzz_rows;             /* what it shows */
static unsigned char *fuzz_more;    /* the original with more rows */
static size_t fuzz_more_size;       /* its bytes */
static char *fuzz_more_rows;        /* what it shows */
static fuzz_reader fuzz_readers[3]; /* of none, half and all */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(int condition, const char *what, const char *got) {
  if (condition) return;
  fprintf(stderr, "\n%s:\n%.4000s\n", what, got ? got : "");
  abort();
}

/* A log in small pages, so that it has a tree of them. */
static void log_begin(test_log *log, char id) {
  sqlite3 *db = NULL;

  if (test_exists(fuzz_log)) test_remove(fuzz_log);
  need(sqlite3_open(fuzz_log, &db) == SQLITE_OK, "cannot open", fuzz_log);
  test_run(db, "PRAGMA synchronous = OFF; PRAGMA page_size = 512; "
               "PRAGMA user_version = 2");
  sqlite3_close(db);
  test_log_begin(log, fuzz_log, "phone", id);
}

static void log_seen(test_log *log, int64_t seq, int behind) {
  static const char id[KV_ID_SIZE] = {9};

  log->row.txn = log->row.seq + 1 + behind;
  log->row.ts = TEST_NOW + seq;
  log->row.op = KV_OP_SEEN;
  log->row.parent_ts = test_integer(-seq);
  log->row.bucket = test_text("laptop");
  log->row.key = test_blob(id, sizeof(id));
  log->row.value = test_integer(seq);
  test_log_write(log);
}

/* The original: transactions of one to three rows of all types. */
static void log_fill(test_log *log, int from, int to) {
  int i;

  for (i = from; i < to; i++) {
    if (i % 7 == 3) log_seen(log, i, 1 + i % 3);
    test_log_set(log, TEST_NOW + i, test_path("k%d", i % 11),
                 i % 5 ? test_path("value %d", i) : NULL, i % 3);
    if (i % 3 == 2) {
      log->row.key = test_integer(i);
      log->row.value = test_real(i / 3.0);
      log->row.parent_ts = test_integer(TEST_NOW);
      log->row.op = KV_OP_SET;
      test_log_write(log);
    }
    if (i % 3) {
      log->row.key = test_blob("\0\xff", 2);
      /* Some have many pages. */
      log->row.value = test_text(test_path("%0*d", i % 5 ? 20 : 1500, i));
      log->row.op = KV_OP_SET;
      test_log_write(log);
    }
  }
}

static void reader_open(fuzz_reader *reader, const char *folder) {
  char *rows;

  reader->db = test_connect(":memory:");
  sqlite3_limit(reader->db, SQLITE_LIMIT_LENGTH, 100000000);
  test_run(reader->db, "SELECT kv_open(%Q)", folder);
  rows = test_ask(reader->db, ROWS);
  reader->n_shown = strlen(rows);
  sqlite3_free(rows);
}

/* The original, and what its device wrote later. */
static void log_more(const char *folder) {
  fuzz_reader reader;
  test_log log;

  test_log_open(&log, fuzz_log);
  log_fill(&log, 40, 41);
  test_log_end(&log);
  fuzz_more = test_read(fuzz_log, &fuzz_more_size);
  reader_open(&reader, folder);
  fuzz_more_rows = test_ask(reader.db, ROWS);
  test_disconnect(reader.db);
}

static void *fuzz_folder;

static void fuzz_end(void) {
  int i;

  for (i = 0; i < 3; i++)
    test_disconnect(fuzz_readers[i].db);
  sqlite3_free(fuzz_whole);
  sqlite3_free(fuzz_rows);
  sqlite3_free(fuzz_more);
  sqlite3_free(fuzz_more_rows);
  sqlite3_free(fuzz_log);
  test_files_teardown(&fuzz_folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  const char *folder;
  test_log log;

  (void)argc;
  (void)argv;
  if (!getenv("TMPDIR") && access("/dev/shm", W_OK) == 0) {
    setenv("TMPDIR", "/dev/shm", 1);
  }
  test_files_setup(&fuzz_folder);
  folder = fuzz_folder;
  atexit(fuzz_end);
  test_make_folder(test_path("%s/devices", folder));
  test_make_folder(test_path("%s/devices/phone", folder));
  fuzz_log = sqlite3_mprintf("%s/devices/phone/log.db", folder);

  reader_open(&fuzz_readers[0], folder);
  log_begin(&log, 1);
  log_fill(&log, 0, 20);
  test_log_end(&log);
  reader_open(&fuzz_readers[1], folder);
  test_log_open(&log, fuzz_log);
  log_fill(&log, 20, 40);
  test_log_end(&log);
  reader_open(&fuzz_readers[2], folder);
  fuzz_rows = test_ask(fuzz_readers[2].db, ROWS);
  fuzz_whole = test_read(fuzz_log, &fuzz_size);
  need(fuzz_readers[1].n_shown < fuzz_readers[2].n_shown, "no rows", fuzz_rows);
  log_more(folder);
  return 0;
}

/* A script of changes: what, where, how much, and bytes. */
static void make_patched(const uint8_t *data, size_t size) {
  size_t most = 4 * fuzz_size;
  unsigned char *bytes = calloc(1, most);
  size_t n = fuzz_size;

  need(bytes != NULL, "no memory", NULL);
  memcpy(bytes, fuzz_whole, fuzz_size);
  while (size >= 4) {
    size_t at = ((size_t)data[1] << 8 | data[2]) % most;
    size_t k = data[3];
    uint8_t op = data[0];

    data += 4;
    size -= 4;
    if (op % 8 < 2) { /* bytes; a few are enough to reach any field */
      if (k > size) k = size;
      if (at + k > most) k = most - at;
      memcpy(bytes + at, data, k);
      data += k;
      size -= k;
    } else if (op % 8 == 2) { /* zeros */
      k *= 16;
      if (at + k > most) k = most - at;
      memset(bytes + at, 0, k);
    } else if (op % 8 == 3) { /* one page over another */
      size_t from = (at / 512) % (fuzz_size / 512);
      memmove(bytes + (k % (most / 512)) * 512, bytes + from * 512, 512);
    } else if (op % 8 == 4) { /* one bit */
      bytes[at % fuzz_size] ^= (unsigned char)(1 << (k & 7));
    } else if (op % 8 == 5) { /* another length */
      n = at;
    } else if (op % 8 == 6) { /* add to a byte */
      bytes[at % fuzz_size] += (unsigned char)k;
    } else { /* bytes moved */
      if (at + k < fuzz_size)
        memmove(bytes + at + k, bytes + at, 512 % (fuzz_size - at - k + 1));
    }
  }
  test_write(fuzz_log, bytes, n);
  free(bytes);
}

/* A value from a few bytes of the input. */
static kv_value make_value(const uint8_t *z, size_t n) {
  int64_t i = 0;
  double d;

  memcpy(&i, z, n < 8 ? n : 8);
  memcpy(&d, &i, sizeof(d));
  switch (n ? z[0] % 5 : 0) {
    case 1: return test_integer(i);
    case 2: return test_real(d == d ? d : 0);
    case 3: {
      kv_value text = test_blob(z, n);
      text.type = KV_TEXT;
      return text;
    }
    case 4: return test_blob(z, n);
    default: return test_null();
  }
}

/* Make rows of ten bytes each, and what their values say, with correct sums. */
static void make_rows(const uint8_t *data, size_t size) {
  test_log log;

  log_begin(&log, size > 0 ? (char)(1 + data[0] % 2) : 1);
  test_run(log.db, "BEGIN");
  while (size >= 10) {
    size_t n = data[9] % 32;

    if (n > size - 10) n = size - 10;
    log.row.txn = log.row.seq + 1 + data[0] % 4;
    log.row.ts = TEST_NOW + (int8_t)data[1];
    if (data[2] > 250) log.row.ts = (int64_t)data[3] << 52;
    log.row.op = data[2] % 4;
    log.row.parent_ts = make_value(data + 3, data[4] % 3);
    log.row.bucket = data[5] > 240 ? make_value(data + 6, 2) : test_text("");
    log.row.key = make_value(data + 6, 1 + data[7] % 3);
    log.row.value = make_value(data + 10, n);
    if (log.row.key.type == KV_NULL) log.row.key = test_integer(data[8]);
    if (log.row.bucket.type == KV_NULL) log.row.bucket = test_text("b");
    test_log_write(&log);
    data += 10 + n;
    size -= 10 + n;
  }
  test_run(log.db, "COMMIT");
  test_log_end(&log);
}

/* Check what a store shows against `rows`; returns its bytes. */
static size_t expect_prefix(sqlite3 *db, const char *rows, const char *what) {
  char *got = test_ask(db, ROWS);
  char *half = test_ask(
    db, "SELECT count(*) FROM kv_log WHERE device = 'phone' AND txn > "
        "(SELECT max(last_seq) FROM kv_devices WHERE device = 'phone')");
  size_t n = strlen(got);

  if (rows) need(strncmp(got, rows, n) == 0, what, got);
  need(strcmp(half, "0\n") == 0, "half a transaction is shown", got);
  sqlite3_free(half);
  sqlite3_free(got);
  return n;
}

/* Everything is shown, and the state says so. */
static void expect_whole(sqlite3 *db, const char *rows) {
  char *got = test_ask(db, ROWS);
  char *state = test_ask(db, "SELECT state FROM kv_devices");

  need(strcmp(got, rows) == 0, "the original is not shown completely", state);
  need(strcmp(state, "ok\n") == 0 || strcmp(state, "rewritten\n") == 0,
       "the original is not ok", state);
  sqlite3_free(state);
  sqlite3_free(got);
}

/* The original is back; does it count as an older copy of what is shown? */
static int is_behind(sqlite3 *db) {
  char *before = test_ask(db, ROWS);
  char *after;
  char *state;
  int result;

  test_write(fuzz_log, fuzz_whole, fuzz_size);
  test_run(db, "SELECT kv_sync()");
  after = test_ask(db, ROWS);
  state = test_ask(db, "SELECT state FROM kv_devices");
  result = strcmp(state, "behind\n") == 0;
  need(!result || strcmp(after, before) == 0, "an older copy is shown", after);
  sqlite3_free(before);
  sqlite3_free(after);
  sqlite3_free(state);
  return result;
}

/* One store finds the file; then the original is back, then it grows. */
static void meet(fuzz_reader *reader, const unsigned char *file, size_t n_file,
                 int is_other) {
  static const char all[] = "SELECT count(*), sum(seq) FROM kv_log; SELECT "
                            "count(*) FROM kv; SELECT count(*) FROM kv_devices";
  size_t n;

  test_write(fuzz_log, file, n_file);
  test_run(reader->db, "BEGIN");
  test_run(reader->db, "SELECT kv_sync()");
  test_run(reader->db, "%s", all);
  n = expect_prefix(reader->db, is_other ? NULL : fuzz_rows,
                    "a row that is not the original's");
  need(is_other || n >= reader->n_shown, "rows were lost", NULL);

  if (!is_behind(reader->db)) {
    expect_whole(reader->db, fuzz_rows);
  } else {
    need(is_other, "the original is not shown", NULL);
  }
  test_write(fuzz_log, fuzz_more, fuzz_more_size);
  test_run(reader->db, "SELECT kv_sync()");
  expect_whole(reader->db, fuzz_more_rows);
  test_run(reader->db, "ROLLBACK");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  unsigned char *file;
  size_t n;
  int i;

  if (size == 0) return 0;
  switch (data[0]) {
    case 'p': make_patched(data + 1, size - 1); break;
    case 's': make_rows(data + 1, size - 1); break;
    default: test_write(fuzz_log, data + 1, size - 1); break;
  }
  file = test_read(fuzz_log, &n);
  (void)test_try(fuzz_readers[0].db, "SELECT * FROM kv_foreign(%Q)", fuzz_log);
  for (i = 0; i < 3; i++) {
    meet(&fuzz_readers[i], file, n, data[0] == 's');
  }
  sqlite3_free(file);
  return 0;
}
