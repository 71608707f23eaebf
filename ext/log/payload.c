/*
** A large row, read from the pages of its file. See payload.h.
**
**     table's page   | ... row: head, columns ... p |     the first bytes
**     page p         | q | more of its columns      |     the next ones
**     page q         | 0 | the last of them         |
**
** Anything may be in the file: nothing is believed that was not looked at, and
** a chain of pages is followed for as many bytes as the row says that it has.
*/
#include "payload.h"

#include <string.h>

#include "core/row.h"
#include "db/stmt.h"

#define PAYLOAD_PAGE 65536 /* the largest page there is, read at once */
#define PAYLOAD_DEPTH 20   /* pages from the root to a row */
#define PAYLOAD_MOST INT32_MAX

static uint32_t payload_u16(const unsigned char *p) {
  return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t payload_u32(const unsigned char *p) {
  return payload_u16(p) << 16 | payload_u16(p + 2);
}

/* Read a varint before `end`; what is behind it, or NULL. */
static const unsigned char *payload_varint(const unsigned char *p,
                                           const unsigned char *end,
                                           uint64_t *out) {
  int i;

  *out = 0;
  for (i = 0; i < 9 && p < end; i++, p++) {
    if (i == 8) {
      *out = *out << 8 | *p;
      return p + 1;
    }
    *out = *out << 7 | (*p & 0x7f);
    if (*p < 0x80) return p + 1;
  }
  return NULL;
}

/* The sizes of pages, from the header of the file. */
static int payload_open(sqlite3 *handle, kv_payload *out) {
  unsigned char h[100];
  sqlite3_int64 size = 0;
  int rc =
    sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &out->file);

  if (rc == SQLITE_OK) rc = out->file->pMethods->xFileSize(out->file, &size);
  if (rc == SQLITE_OK) {
    rc = out->file->pMethods->xRead(out->file, h, sizeof(h), 0);
  }
  if (rc != SQLITE_OK) return rc;
  out->page_size = payload_u16(h + 16);
  if (out->page_size == 1) out->page_size = PAYLOAD_PAGE;
  if (out->page_size < 512 || out->page_size > PAYLOAD_PAGE ||
      (out->page_size & (out->page_size - 1)) != 0 ||
      out->page_size - h[20] < 480) {
    return SQLITE_CORRUPT;
  }
  out->n_used = out->page_size - h[20];
  size = (size + out->page_size - 1) / out->page_size;
  out->n_pages = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
  out->pages = sqlite3_malloc64(PAYLOAD_PAGE);
  return out->pages ? SQLITE_OK : SQLITE_NOMEM;
}

/*
** Have a page in memory, in *out. As long as one follows another more and more
** of them are read at once.
*/
static int payload_page(kv_payload *payload, uint32_t page,
                        const unsigned char **out) {
  uint32_t size = payload->page_size;
  uint32_t n = 1;
  int rc;

  if (page >= payload->page && page - payload->page < payload->n_read) {
    *out = payload->pages + (size_t)(page - payload->page) * size;
    return SQLITE_OK;
  }
  if (page < 1 || page > payload->n_pages) return SQLITE_CORRUPT;
  if (payload->n_read > 0 && page == payload->page + payload->n_read) {
    n = 2 * payload->n_ahead;
  }
  if (n > PAYLOAD_PAGE / size) n = PAYLOAD_PAGE / size;
  payload->n_ahead = n;
  if (n > payload->n_pages - page + 1) n = payload->n_pages - page + 1;
  payload->n_read = 0;
  rc = payload->file->pMethods->xRead(payload->file, payload->pages,
                                      (int)(n * size),
                                      (sqlite3_int64)(page - 1) * size);
  if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ) return rc;
  payload->page = page;
  payload->n_read = n;
  *out = payload->pages;
  return SQLITE_OK;
}

/* Where SQLite puts the bytes of a row: fileformat2.html#ovflpgs. */
static int payload_place_cell(kv_payload *out, uint32_t page,
                              const unsigned char *z, uint32_t at, uint64_t n) {
  uint32_t u = out->n_used;
  uint32_t most = u - 35;
  uint32_t least = (u - 12) * 32 / 255 - 23;
  uint32_t k;

  if (n > PAYLOAD_MOST) return SQLITE_CORRUPT;
  out->n = out->n_local = (uint32_t)n;
  if (n > most) {
    k = least + (uint32_t)(n - least) % (u - 4);
    out->n_local = k <= most ? k : least;
  }
  if (at + out->n_local + (out->n > out->n_local ? 4 : 0) > u) {
    return SQLITE_CORRUPT;
  }
  out->local = (int64_t)(page - 1) * out->page_size + at;
  if (out->n > out->n_local) out->first = payload_u32(z + at + out->n_local);
  return SQLITE_OK;
}

/* Look for the row, or for the page that leads to it, among a page's cells. */
static int payload_find_cell(kv_payload *out, uint32_t page,
                             const unsigned char *z, int64_t seq,
                             uint32_t *next) {
  const unsigned char *end = z + out->n_used;
  const unsigned char *header = z + (page == 1 ? 100 : 0);
  int is_leaf = header[0] == 0x0d;
  const unsigned char *cell = header + (is_leaf ? 8 : 12);
  uint32_t n = payload_u16(header + 3);
  uint32_t i;

  *next = 0;
  if (!is_leaf && header[0] != 0x05) return SQLITE_CORRUPT;
  for (i = 0; i < n; i++, cell += 2) {
    const unsigned char *p;
    uint64_t size = 0;
    uint64_t id;

    if (cell + 2 > end || payload_u16(cell) + 4 > out->n_used) {
      return SQLITE_CORRUPT;
    }
    p = z + payload_u16(cell);
    p = is_leaf ? payload_varint(p, end, &size) : p + 4;
    if (p) p = payload_varint(p, end, &id);
    if (!p) return SQLITE_CORRUPT;
    if ((int64_t)id < seq) continue;
    if (is_leaf && (int64_t)id > seq) return SQLITE_DONE;
    if (is_leaf)
      return payload_place_cell(out, page, z, (uint32_t)(p - z), size);
    *next = payload_u32(z + payload_u16(cell));
    return SQLITE_OK;
  }
  if (is_leaf) return SQLITE_DONE;
  *next = payload_u32(header + 8);
  return SQLITE_OK;
}

/* From the root of the table to the row. */
static int payload_find_row(sqlite3 *handle, int64_t seq, kv_payload *out) {
  sqlite3_stmt *stmt = NULL;
  const unsigned char *z;
  uint32_t page = 0;
  int depth;
  int rc = kv_stmt_prepare(handle, KV_SQL_FOREIGN_ROOT, &stmt);

  if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW) {
    page = (uint32_t)sqlite3_column_int64(stmt, 0);
    rc = SQLITE_OK;
  } else if (rc == SQLITE_DONE) {
    rc = SQLITE_CORRUPT;
  }
  sqlite3_finalize(stmt);
  for (depth = 0; rc == SQLITE_OK && depth < PAYLOAD_DEPTH; depth++) {
    rc = payload_page(out, page, &z);
    if (rc == SQLITE_OK) rc = payload_find_cell(out, page, z, seq, &page);
    if (rc == SQLITE_OK && page == 0) return SQLITE_OK;
  }
  return rc == SQLITE_OK ? SQLITE_CORRUPT : rc;
}

/* The type and size of a column by its serial type. */
static void payload_column(uint64_t serial, kv_payload_column *out,
                           uint64_t *n) {
  static const unsigned char sizes[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};

  out->serial = serial < 12 ? (int)serial : 12;
  *n = serial < 12 ? sizes[serial] : (serial - 12) / 2;
  if (serial >= 12) {
    out->type = serial % 2 ? KV_TEXT : KV_BLOB;
  } else if (serial == 0 || serial > 9) {
    out->type = KV_NULL;
  } else {
    out->type = serial == 7 ? KV_REAL : KV_INTEGER;
  }
}

/* Where the columns are: fileformat2.html#record_format. */
static int payload_columns(kv_payload *out) {
  uint32_t n_head = out->n < KV_PAYLOAD_HEAD ? out->n : KV_PAYLOAD_HEAD;
  const unsigned char *end = out->head + n_head;
  const unsigned char *p;
  uint64_t n_header = 0;
  uint64_t from;
  int i;
  int rc = kv_payload_read(out, n_head, out->head);

  if (rc != SQLITE_OK) return rc;
  p = payload_varint(out->head, end, &n_header);
  if (!p || n_header > out->n) return SQLITE_CORRUPT;
  from = n_header;
  for (i = 0; i < KV_LOG_COLUMNS; i++) {
    kv_payload_column *column = &out->columns[i];
    uint64_t serial = 0;
    uint64_t n;

    if (p - out->head < (int64_t)n_header) {
      p = payload_varint(p, end, &serial);
      if (!p) return SQLITE_CORRUPT;
    }
    payload_column(serial, column, &n);
    if (n > out->n - from) return SQLITE_CORRUPT;
    column->from = (uint32_t)from;
    column->n = (uint32_t)n;
    from += n;
  }
  return SQLITE_OK;
}

int kv_payload_find(sqlite3 *handle, int64_t seq, kv_payload *out) {
  kv_payload_place start = {0, 0};
  int rc;

  memset(out, 0, sizeof(*out));
  rc = payload_open(handle, out);
  if (rc == SQLITE_OK) rc = payload_find_row(handle, seq, out);
  if (rc == SQLITE_OK) rc = payload_columns(out);
  kv_payload_go(out, start);
  return rc;
}

void kv_payload_clear(kv_payload *payload) {
  sqlite3_free(payload->pages);
  payload->pages = NULL;
}

void kv_payload_go(kv_payload *payload, kv_payload_place place) {
  payload->place = place;
}

/* Some of the next n bytes: *z, *got of them. */
static int payload_some(kv_payload *payload, uint32_t n,
                        const unsigned char **z, uint32_t *got) {
  kv_payload_place *place = &payload->place;
  uint32_t size = payload->n_used - 4;
  uint32_t skip = (place->at - payload->n_local) % size;
  int rc = payload_page(payload, place->page, z);

  if (rc != SQLITE_OK) return rc;
  *got = n < size - skip ? n : size - skip;
  place->at += *got;
  if (skip + *got == size && place->at < payload->n) {
    place->page = payload_u32(*z);
  }
  *z += 4 + skip;
  return SQLITE_OK;
}

int kv_payload_read(kv_payload *payload, uint32_t n, unsigned char *out) {
  kv_payload_place *place = &payload->place;

  if (n > payload->n - place->at) return SQLITE_CORRUPT;
  while (n > 0) {
    const unsigned char *z;
    uint32_t got;
    int rc = SQLITE_OK;

    if (place->at < payload->n_local) {
      got = payload->n_local - place->at;
      if (got > n) got = n;
      if (out) {
        rc = payload->file->pMethods->xRead(payload->file, out, (int)got,
                                            payload->local + place->at);
      }
      if (rc != SQLITE_OK) return rc;
      place->at += got;
    } else {
      if (place->at == payload->n_local) place->page = payload->first;
      rc = payload_some(payload, n, &z, &got);
      if (rc != SQLITE_OK) return rc;
      if (out) memcpy(out, z, got);
    }
    if (out) out += got;
    n -= got;
  }
  return SQLITE_OK;
}

/* A number of n bytes, the highest first. */
static int64_t payload_integer(const unsigned char *p, uint32_t n) {
  uint64_t u = n > 0 && p[0] >= 0x80 ? UINT64_MAX : 0;
  uint32_t i;

  for (i = 0; i < n; i++)
    u = u << 8 | p[i];
  return (int64_t)u;
}

int kv_payload_number(kv_payload *payload, int column, int64_t *i, double *r) {
  const kv_payload_column *c = &payload->columns[column];
  unsigned char bytes[8];
  int rc;

  *i = c->serial == 9;
  *r = 0;
  if (c->type >= KV_TEXT || c->from < payload->place.at) return SQLITE_CORRUPT;
  rc = kv_payload_read(payload, c->from - payload->place.at, NULL);
  if (rc == SQLITE_OK) rc = kv_payload_read(payload, c->n, bytes);
  if (rc != SQLITE_OK || c->n == 0) return rc;
  *i = payload_integer(bytes, c->n);
  if (c->type == KV_REAL) memcpy(r, i, sizeof(*r));
  return SQLITE_OK;
}

int kv_payload_guess(kv_payload *payload, int column, int64_t *i, int *found) {
  const kv_payload_column *c = &payload->columns[column];
  uint32_t size = payload->n_used - 4;
  kv_payload_place place = payload->place;
  uint32_t last = payload->first;
  double r;
  int rc = SQLITE_OK;

  *found = 0;
  if (c->from < payload->n_local || c->type != KV_INTEGER) return SQLITE_OK;
  payload->place.at = c->from;
  last += (c->from - payload->n_local) / size;
  if (last >= payload->first && last <= payload->n_pages) {
    payload->place.page = last;
    rc = kv_payload_number(payload, column, i, &r);
    *found = rc == SQLITE_OK;
  }
  payload->place = place;
  return rc == SQLITE_CORRUPT ? SQLITE_OK : rc;
}
