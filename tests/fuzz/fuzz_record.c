/*
** Any bytes as the record of a log row: a record that is understood is written
** again as the same bytes.
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "record/real.h"
#include "record/record.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The fuzzer finds failing assertions, so keep them in every build. */
#define require(is_so)                                                         \
  do                                                                           \
    if (!(is_so)) abort();                                                     \
  while (0)

static void *resize(void *p, size_t n) {
  if (n > 0) return realloc(p, n);
  free(p);
  return NULL;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc;
  (void)argv;
  return 0;
}

/* A cell as a program would make it, with its value decoded. */
static kv_cell decoded(const kv_cell *cell, kv_arena *arena) {
  kv_cell copy = *cell;

  if (cell->op == KV_CELL_SET) {
    require(kv_cell_value(cell, arena, &copy.value) == KV_OK);
    copy.form = KV_FORM_PLAIN;
  }
  return copy;
}

/* A record that is understood is written so that it reads the same. */
static void write_again(const kv_record *record, int is_decoded,
                        kv_arena *arena, kv_bytes *out) {
  size_t i;

  kv_bytes_clear(out);
  kv_record_begin(out, record->is_birth);
  for (i = 0; i < record->n; i++) {
    kv_cell cell = record->cells[i];

    if (cell.op == KV_CELL_UNKNOWN) continue;
    if (is_decoded) cell = decoded(&cell, arena);
    kv_record_add(out, &cell);
  }
  kv_record_end(out);
  require(out->rc == KV_OK);
}

static void list_ascends(kv_list list) {
  kv_list_at at = kv_list_first(list);
  kv_scalar last;
  kv_scalar element;
  int n;

  for (n = 0; kv_list_next(&at, &element); n++, last = element)
    if (n > 0) require(kv_json_compare(&last, &element) < 0);
}

static void check_record(const char *z, size_t n) {
  kv_arena arena;
  kv_bytes bytes;
  kv_bytes again;
  kv_record record;
  kv_record same;
  size_t i;

  kv_arena_init(&arena, resize);
  kv_bytes_init(&bytes, resize, KV_RECORD_MAX);
  kv_bytes_init(&again, resize, KV_RECORD_MAX);
  require(kv_record_read(z, n, &arena, &record) == KV_OK);
  write_again(&record, 0, &arena, &bytes);
  if (record.is_whole) {
    require(bytes.n == n && memcmp(bytes.z, z, n) == 0);
  }
  write_again(&record, 1, &arena, &again);
  require(bytes.n == again.n && memcmp(bytes.z, again.z, bytes.n) == 0);
  require(kv_record_read(bytes.z, bytes.n, &arena, &same) == KV_OK);
  require(same.is_whole && same.is_birth == record.is_birth);
  for (i = 0; i < record.n; i++) {
    const kv_cell *cell = &record.cells[i];

    if (cell->op == KV_CELL_ELEMENTS || cell->op == KV_CELL_PUT) {
      list_ascends(cell->put);
      list_ascends(cell->cut);
    }
    require(cell->op == KV_CELL_UNKNOWN || cell->n_name > 0);
  }
  kv_bytes_free(&bytes);
  kv_bytes_free(&again);
  kv_arena_free(&arena);
}

static void check_scalar(const char *z, size_t n) {
  char text[KV_REAL_SIZE];
  double r;
  kv_scalar scalar;
  const char *to = kv_json_scalar(z, z + n, &scalar);

  if (to) require(kv_json_skip(z, z + n) == to);
  if (n > 0 && kv_real_read(z, n, &r)) {
    require(kv_real_print(r, text) == n && memcmp(text, z, n) == 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *z = malloc(size + !size); /* nothing comes after it */

  require(z != NULL);
  if (size > 0) memcpy(z, data, size);
  check_record(z, size);
  check_scalar(z, size);
  free(z);
  return 0;
}
