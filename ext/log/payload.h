/*
** A large row, read from the pages of its file.
**
** SQLite finds a byte of a large row by following a chain of pages from its
** beginning: 0.3 s for 1 GB, 2 s with small pages, and it cannot be stopped in
** between. Here a row is read from where the reading was left.
**
** What is read is good for saving work: whether a row is right is said of what
** SQLite reads.
**
** https://www.sqlite.org/fileformat2.html#b_tree_pages
*/
#ifndef KV_LOG_PAYLOAD_H
#define KV_LOG_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "db/sqlite.h"

/* Columns of table log, in its order. */
enum {
  KV_LOG_SEQ,
  KV_LOG_TXN,
  KV_LOG_TS,
  KV_LOG_PARENT_TS,
  KV_LOG_OP,
  KV_LOG_BUCKET,
  KV_LOG_KEY,
  KV_LOG_VALUE,
  KV_LOG_SUM,
  KV_LOG_COLUMNS
};

/* Where a column is in its row. */
typedef struct kv_payload_column {
  int type;      /* KV_NULL .. KV_BLOB */
  int serial;    /* 8 and 9 are the numbers 0 and 1 */
  uint32_t from; /* its first byte */
  uint32_t n;    /* bytes */
} kv_payload_column;

/* Where a reading is: its next byte, and the page that this is in. */
typedef struct kv_payload_place {
  uint32_t at;
  uint32_t page; /* 0: it is in the page of the table */
} kv_payload_place;

/* The first bytes of a row tell it from another one. */
#define KV_PAYLOAD_HEAD 96

typedef struct kv_payload {
  sqlite3_file *file; /* of the handle */
  uint32_t page_size; /* bytes, */
  uint32_t n_used;    /* and those of them that SQLite uses */
  uint32_t n_pages;   /* in the file */
  uint32_t n;         /* bytes of the row */
  uint32_t n_local;   /* those of them in the page of the table, */
  int64_t local;      /* from this byte of the file on */
  uint32_t first;     /* the page that has the next ones */
  kv_payload_place place;
  unsigned char *pages; /* some of the file, one behind another */
  uint32_t page;        /* the first of them */
  uint32_t n_read;      /* how many */
  uint32_t n_ahead;     /* how many to read next */
  unsigned char head[KV_PAYLOAD_HEAD];
  kv_payload_column columns[KV_LOG_COLUMNS];
} kv_payload;

/*
** Find a row of the log, and its columns. SQLITE_DONE: there is none of this
** number; SQLITE_CORRUPT: no table of rows. In any case kv_payload_clear() it.
*/
int kv_payload_find(sqlite3 *handle, int64_t seq, kv_payload *out);
void kv_payload_clear(kv_payload *payload);

/* Go to a place that a reading was at. */
void kv_payload_go(kv_payload *payload, kv_payload_place place);

/* Read the next n bytes (out NULL: pass over them). */
int kv_payload_read(kv_payload *payload, uint32_t n, unsigned char *out);

/*
** Read a column that is a number (or NULL: 0), and lies at the place or behind
** it, as *i and *r.
*/
int kv_payload_number(kv_payload *payload, int column, int64_t *i, double *r);

/*
** A sum in a row of which no page but the last was read: what it is if the
** pages of the row lie one behind another, as they do in a file that was only
** written. *found is 0 if they do not.
*/
int kv_payload_guess(kv_payload *payload, int column, int64_t *i, int *found);

#endif
