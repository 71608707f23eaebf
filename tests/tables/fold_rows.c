/*
** Folds log rows from standard input and prints the result, for
** tests/python/test_tables_fold.py, which has the model's answers.
**
** A line is one of these; each < > is a field, after a tab:
**
**   L <device> <lineage>                               a log: 0, 1, ...
**   R <log> <op> <ts> <seq> <seen> <record>            a row: 0, 1, ...
**     seen: <device>:<lineage>:<seq>, ...,
**   F <deletes> <row>, <row>, ...,                     fold these
**   C <earlier> <later> <columns>                      compose two records
**   T <times> <deletes> <row>, <row>, ...,             fold these again and again
**   D                                                  forget all
**
** F is answered with <exists> <the row as a record> <conflicts>, of which each
** is <column>:<winner>:<loser>, with the numbers of rows; C with <record> <does
** it have to be folded again>; T with nanoseconds of processor time, in which
** the records are read, too.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fold/compose.h"
#include "fold/conflict.h"

#define MOST 10000

typedef struct driver_row {
  kv_fold_row row;
  char *seen;
  char *record; /* allocated to the exact byte, for the sanitizer */
} driver_row;

static kv_fold_log logs[MOST];
static driver_row rows[MOST];
static int n_logs;
static int n_rows;

static void *driver_resize(void *p, size_t n) {
  if (n > 0) return realloc(p, n);
  free(p);
  return NULL;
}

static void driver_fail(const char *what) {
  fprintf(stderr, "fold_rows: %s\n", what);
  exit(2);
}

/* The next field of a line. */
static char *driver_field(char **line) {
  char *field = *line;
  char *tab = strchr(field, '\t');

  if (tab) *tab = '\0';
  *line = tab ? tab + 1 : field + strlen(field);
  return field;
}

static int64_t driver_number(char **line) {
  return strtoll(driver_field(line), NULL, 10);
}

static char *driver_copy(const char *z) {
  size_t n = strlen(z) + 1;
  char *copy = malloc(n);

  if (!copy) driver_fail("no memory");
  memcpy(copy, z, n);
  return copy;
}

static void driver_log(char *line) {
  kv_fold_log *log = &logs[n_logs++];

  if (n_logs == MOST) driver_fail("too many logs");
  log->device = driver_copy(driver_field(&line));
  memset(log->lineage, 0, sizeof(log->lineage));
  log->lineage[0] = (unsigned char)driver_number(&line);
}

static void driver_row_of(char *line) {
  driver_row *r = &rows[n_rows];
  size_t n;

  if (n_rows == MOST) driver_fail("too many rows");
  memset(r, 0, sizeof(*r));
  r->row.log = (int)driver_number(&line);
  r->row.op = (int)driver_number(&line);
  r->row.ts = driver_number(&line);
  r->row.seq = driver_number(&line);
  r->row.id = n_rows++;
  r->seen = driver_copy(driver_field(&line));
  n = strlen(line);
  r->record = malloc(n + !n);
  if (!r->record) driver_fail("no memory");
  memcpy(r->record, line, n);
  r->row.value.type = r->row.op ? KV_TEXT : KV_NULL;
  r->row.value.z = r->record;
  r->row.value.n = n;
}

/* kv_fold_seen: reads the list that a row came with. */
static int driver_seen(void *source, const kv_fold_row *row, int log,
                       int64_t *seq) {
  const kv_fold_log *about = &logs[log];
  const char *z = rows[row->id].seen;
  size_t n = strlen(about->device);

  (void)source;
  *seq = 0;
  if (strcmp(logs[row->log].device, about->device) == 0) {
    *seq = KV_SEEN_BY_TIME;
    return KV_OK;
  }
  for (; *z; z = strchr(z, ',') + 1) {
    const char *lineage = strchr(z, ':') + 1;

    if ((size_t)(lineage - z) != n + 1 || memcmp(z, about->device, n) != 0) {
      continue;
    }
    *seq = KV_SEEN_BY_TIME;
    if (strtol(lineage, NULL, 10) == about->lineage[0]) {
      *seq = strtoll(strchr(lineage, ':') + 1, NULL, 10);
    }
  }
  return KV_OK;
}

/* Columns as a record that assigns them. */
static void driver_print(const kv_fold *fold) {
  kv_bytes bytes;
  size_t i;

  kv_bytes_init(&bytes, driver_resize, KV_RECORD_MAX);
  kv_record_begin(&bytes, 0);
  for (i = 0; i < fold->n_columns; i++) {
    kv_cell cell;

    kv_apply_assign(&fold->columns[i], &cell);
    kv_record_add(&bytes, &cell);
  }
  kv_record_end(&bytes);
  if (bytes.rc != KV_OK) driver_fail("cannot print the row");
  printf("%d\t%.*s\t", fold->exists, (int)bytes.n, bytes.z);
  kv_bytes_free(&bytes);
}

static void driver_time(kv_fold *fold, char *line) {
  int64_t times = driver_number(&line);
  int deletes = (int)driver_number(&line);
  int64_t ids[100];
  int64_t i;
  clock_t from;
  int n = 0;
  int k;
  int rc = KV_OK;

  for (; *line && n < 100; line++)
    ids[n++] = strtol(line, &line, 10);
  from = clock();
  for (i = 0; i < times && rc == KV_OK; i++) {
    rc = kv_fold_begin(fold, logs, n_logs, driver_seen, NULL);
    for (k = 0; k < n && rc == KV_OK; k++)
      rc = kv_fold_add(fold, &rows[ids[k]].row);
    if (rc == KV_OK) rc = kv_fold_run(fold, deletes);
  }
  if (rc != KV_OK) driver_fail("no memory");
  printf("%.0f\n",
         (double)(clock() - from) * 1e9 / CLOCKS_PER_SEC / (double)times);
}

static void driver_fold(kv_fold *fold, char *line) {
  int deletes = (int)driver_number(&line);
  kv_fold_conflict *conflicts = NULL;
  size_t n = 0;
  size_t i;
  int rc = kv_fold_begin(fold, logs, n_logs, driver_seen, NULL);

  while (*line && rc == KV_OK) {
    rc = kv_fold_add(fold, &rows[strtol(line, &line, 10)].row);
    line++;
    /* Rows are a set, so add every third one twice. */
    if (rc == KV_OK && fold->n_rows % 3 == 0) {
      rc = kv_fold_add(fold, fold->rows[fold->n_rows - 1]);
    }
  }
  if (rc == KV_OK) rc = kv_fold_run(fold, deletes);
  if (rc == KV_OK) driver_print(fold);
  if (rc == KV_OK) rc = kv_fold_conflicts(fold, &conflicts, &n);
  if (rc != KV_OK) driver_fail("no memory");
  for (i = 0; i < n; i++) {
    const kv_cell *cell = conflicts[i].won;

    printf("%.*s:%d:%d,", cell ? (int)cell->n_name : 0, cell ? cell->name : "",
           (int)conflicts[i].won_row->id, (int)conflicts[i].lost_row->id);
  }
  putchar('\n');
}

static void driver_read(kv_fold *fold, const char *z, kv_record *out) {
  if (kv_record_read(z, strlen(z), &fold->arena, out) != KV_OK) {
    driver_fail("no memory");
  }
  if (!out->is_whole) driver_fail("not a record");
}

static void driver_compose(kv_fold *fold, char *line) {
  kv_record earlier;
  kv_record later;
  kv_record row;
  kv_fold_column *columns;
  kv_bytes bytes;
  size_t i;
  int rc = kv_fold_begin(fold, logs, n_logs, driver_seen, NULL);
  int is_rounded;

  driver_read(fold, driver_field(&line), &earlier);
  driver_read(fold, driver_field(&line), &later);
  driver_read(fold, line, &row);
  columns = kv_arena_get(&fold->arena, row.n * sizeof(*columns));
  if (!columns) driver_fail("no memory");
  memset(columns, 0, row.n * sizeof(*columns));
  for (i = 0; i < row.n && rc == KV_OK; i++) {
    columns[i].name = row.cells[i].name;
    columns[i].n_name = row.cells[i].n_name;
    rc = kv_apply_cell(&row.cells[i], &fold->arena, &columns[i]);
  }
  kv_bytes_init(&bytes, driver_resize, KV_RECORD_MAX);
  is_rounded =
    kv_compose(&earlier, &later, columns, row.n, &fold->arena, &bytes);
  if (rc != KV_OK || bytes.rc != KV_OK) driver_fail("cannot compose");
  printf("%.*s\t%d\n", (int)bytes.n, bytes.z, is_rounded);
  kv_bytes_free(&bytes);
}

static void driver_forget(void) {
  while (n_logs > 0)
    free((void *)(uintptr_t)logs[--n_logs].device);
  while (n_rows > 0) {
    free(rows[--n_rows].seen);
    free(rows[n_rows].record);
  }
}

int main(void) {
  static char line[1 << 20];
  kv_fold fold;

  kv_fold_init(&fold, driver_resize);
  while (fgets(line, sizeof(line), stdin)) {
    line[strcspn(line, "\n")] = '\0';
    switch (line[0]) {
      case 'L': driver_log(line + 2); break;
      case 'R': driver_row_of(line + 2); break;
      case 'F': driver_fold(&fold, line + 2); break;
      case 'T': driver_time(&fold, line + 2); break;
      case 'C': driver_compose(&fold, line + 2); break;
      case 'D': driver_forget(); break;
      default: driver_fail("what is this line?");
    }
  }
  driver_forget();
  kv_fold_free(&fold);
  return 0;
}
