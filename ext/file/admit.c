/*
** Decides whether a file is a log, and whose. See admit.h.
*/
#include "admit.h"

#include <string.h>

#include "core/clock.h"
#include "db/error.h"
#include "db/stmt.h"

/* https://www.sqlite.org/fileformat2.html#the_database_header */
#define HEADER_SIZE 100
#define HEADER_APPLICATION_ID 0x4b564c47 /* 'KVLG' */
#define HEADER_UTF8 1                    /* 2 and 3 are UTF-16 */

static uint32_t admit_u32(const unsigned char *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
         p[3];
}

/* The verdict on a file that could not be read to judge it. */
static void admit_say_unread(kv_verdict *verdict, int rc) {
  kv_verdict_set(verdict, KV_STATE_BUSY, "cannot be read: %s",
                 sqlite3_errstr(rc));
}

/* An error that says nothing about the file is returned. */
static int admit_fault(int rc) {
  return (rc & 0xff) == SQLITE_NOMEM || kv_error_is_disk(rc) ? rc : SQLITE_OK;
}

/* Judge the header without letting SQLite parse the file. */
static int admit_check_header(sqlite3 *handle, kv_log_head *head,
                              kv_verdict *verdict) {
  static const unsigned char zeros[HEADER_SIZE] = {0};
  unsigned char h[HEADER_SIZE];
  sqlite3_file *file = NULL;
  sqlite3_int64 size = 0;
  int64_t page_size;
  int64_t promised; /* bytes, by the header; of an old SQLite: 0, not known */
  int rc =
    sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file);

  if (rc == SQLITE_OK) rc = file->pMethods->xFileSize(file, &size);
  if (rc == SQLITE_OK && size < HEADER_SIZE) {
    kv_verdict_set(
      verdict, KV_STATE_WAITING,
      "only %lld bytes have arrived; it is read when the rest arrives", size);
    return SQLITE_OK;
  }
  if (rc == SQLITE_OK) rc = file->pMethods->xRead(file, h, HEADER_SIZE, 0);
  if (rc != SQLITE_OK) {
    admit_say_unread(verdict, rc);
    return admit_fault(rc);
  }

  page_size = h[16] << 8 | h[17];
  if (page_size == 1) page_size = 65536;
  promised = memcmp(h + 24, h + 92, 4) == 0 ? page_size * admit_u32(h + 28) : 0;
  head->end = promised > 0 && size > promised ? promised : 0;
  if (memcmp(h, zeros, HEADER_SIZE) == 0) {
    kv_verdict_set(verdict, KV_STATE_WAITING,
                   "begins with zeros, like a file that is still being "
                   "delivered; it is read when it is complete");
  } else if (memcmp(h, "SQLite format 3", 16) != 0 ||
             admit_u32(h + 68) != HEADER_APPLICATION_ID) {
    kv_verdict_set(verdict, KV_STATE_STRANGER, "is not a log of this store");
  } else if (admit_u32(h + 60) < KV_FORMAT) {
    kv_verdict_set(verdict, KV_STATE_STRANGER,
                   "is of format %u, of an unreleased version, which nothing "
                   "reads any more: move it away on its own device, which then "
                   "rebuilds it from its cache",
                   admit_u32(h + 60));
  } else if (admit_u32(h + 60) > KV_FORMAT) {
    kv_verdict_set(verdict, KV_STATE_NEWER,
                   "has format version %u; this version reads %d: install a "
                   "newer one here",
                   admit_u32(h + 60), KV_FORMAT);
  } else if (h[18] != 1 || h[19] != 1) {
    kv_verdict_set(verdict, KV_STATE_STRANGER,
                   "is in WAL mode, which no log ever is; on its own device: "
                   "PRAGMA journal_mode=DELETE");
  } else if (admit_u32(h + 56) > HEADER_UTF8) {
    kv_verdict_set(verdict, KV_STATE_STRANGER,
                   "keeps its text in UTF-16, which no log ever does");
  } else if (size < promised) {
    kv_verdict_set(
      verdict, KV_STATE_WAITING,
      "%lld of %lld bytes have arrived; it is read when the rest arrives", size,
      promised);
  }
  return SQLITE_OK;
}

static int admit_text_is(sqlite3_stmt *stmt, int column, const char *z, int n) {
  const char *text = (const char *)sqlite3_column_text(stmt, column);
  return text && sqlite3_column_bytes(stmt, column) == n &&
         memcmp(text, z, (size_t)n) == 0;
}

/* Columns of foreign_schema. */
enum { ADMIT_TYPE, ADMIT_NAME, ADMIT_OF, ADMIT_SQL };

static int admit_table_is(sqlite3_stmt *stmt, const char *name, kv_sql id) {
  int n_name = (int)strlen(name);
  int n;
  const char *sql = kv_stmt_create_text(id, &n);

  return sqlite3_step(stmt) == SQLITE_ROW &&
         admit_text_is(stmt, ADMIT_TYPE, "table", 5) &&
         admit_text_is(stmt, ADMIT_NAME, name, n_name) &&
         admit_text_is(stmt, ADMIT_OF, name, n_name) &&
         admit_text_is(stmt, ADMIT_SQL, sql, n);
}

/* Two tables, with our texts to the byte, and nothing else. */
static int admit_check_schema(sqlite3 *handle, kv_verdict *verdict) {
  sqlite3_stmt *stmt = NULL;
  int is_ours = 0;
  int rc = kv_stmt_prepare(handle, KV_SQL_FOREIGN_SCHEMA, &stmt);

  if (rc == SQLITE_OK) {
    is_ours = admit_table_is(stmt, "device", KV_SQL_LOG_CREATE_DEVICE) &&
              admit_table_is(stmt, "log", KV_SQL_LOG_CREATE_LOG) &&
              sqlite3_step(stmt) == SQLITE_DONE;
    if (!is_ours) rc = sqlite3_extended_errcode(handle);
  }
  sqlite3_finalize(stmt);
  if (is_ours) return SQLITE_OK;
  if (kv_error_is_disk(rc)) admit_say_unread(verdict, rc);
  if (admit_fault(rc) != SQLITE_OK) return rc;
  if ((rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_IOERR ||
      (rc & 0xff) == SQLITE_NOTADB) {
    kv_verdict_set(verdict, KV_STATE_DAMAGED, "cannot be read: %s",
                   sqlite3_errstr(rc));
  } else {
    kv_verdict_set(verdict, KV_STATE_STRANGER,
                   "does not have the tables of a log");
  }
  return SQLITE_OK;
}

static void admit_copy_text(sqlite3_stmt *stmt, int column, char *out,
                            size_t size) {
  const char *z = (const char *)sqlite3_column_text(stmt, column);
  size_t n = z ? (size_t)sqlite3_column_bytes(stmt, column) : size;

  out[0] = '\0';
  if (n >= size || strlen(z) != n) return;
  memcpy(out, z, n + 1);
}

/* Columns of foreign_device. */
enum {
  DEVICE_NAME,
  DEVICE_ID,
  DEVICE_HOST,
  DEVICE_CREATED,
  DEVICE_BASE_SEQ,
  DEVICE_BASE_SUM,
  DEVICE_FORMER_ID,
  DEVICE_FORMER_SEQ,
  DEVICE_FORMER_SUM,
  DEVICE_HORIZON
};

static int admit_is_integer(sqlite3_stmt *stmt, int column) {
  return sqlite3_column_type(stmt, column) == SQLITE_INTEGER;
}

/* What the log took the place of. Returns 0 if that is not valid. */
static int admit_read_origin(sqlite3_stmt *stmt, kv_log_head *head) {
  kv_origin *origin = &head->origin;
  int n = sqlite3_column_bytes(stmt, DEVICE_FORMER_ID);
  const void *id = sqlite3_column_blob(stmt, DEVICE_FORMER_ID);

  memset(origin, 0, sizeof(*origin));
  origin->horizon = sqlite3_column_int64(stmt, DEVICE_HORIZON);
  if (!admit_is_integer(stmt, DEVICE_HORIZON) || origin->horizon < 0 ||
      origin->horizon > KV_TS_MAX) {
    return 0;
  }
  if (sqlite3_column_type(stmt, DEVICE_FORMER_ID) == SQLITE_NULL) {
    return sqlite3_column_type(stmt, DEVICE_FORMER_SEQ) == SQLITE_NULL &&
           sqlite3_column_type(stmt, DEVICE_FORMER_SUM) == SQLITE_NULL;
  }
  if (!id || n != KV_ID_SIZE || !admit_is_integer(stmt, DEVICE_FORMER_SEQ) ||
      !admit_is_integer(stmt, DEVICE_FORMER_SUM)) {
    return 0;
  }
  origin->has_former = 1;
  memcpy(origin->former_id, id, KV_ID_SIZE);
  origin->former_seq = sqlite3_column_int64(stmt, DEVICE_FORMER_SEQ);
  origin->former_sum = sqlite3_column_int64(stmt, DEVICE_FORMER_SUM);
  return origin->former_seq >= 0 &&
         (!kv_row_same_lineage(head->id, origin->former_id) ||
          memcmp(origin->former_id, head->id, KV_ID_SIZE) < 0);
}

kv_position kv_log_start(const kv_log_head *head) {
  kv_position start = {0, kv_row_first_sum(head->name, strlen(head->name),
                                           head->id, &head->origin)};
  return start;
}

/* The one row of table device. */
static int admit_read_head(sqlite3 *handle, const char *device,
                           kv_log_head *head, kv_verdict *verdict) {
  sqlite3_stmt *stmt = NULL;
  int rc = kv_stmt_prepare(handle, KV_SQL_FOREIGN_DEVICE, &stmt);
  int is_valid = 0;

  if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW) {
    const void *id = sqlite3_column_blob(stmt, DEVICE_ID);

    admit_copy_text(stmt, DEVICE_NAME, head->name, sizeof(head->name));
    admit_copy_text(stmt, DEVICE_HOST, head->host, sizeof(head->host));
    head->base.seq = sqlite3_column_int64(stmt, DEVICE_BASE_SEQ);
    head->base.sum = sqlite3_column_int64(stmt, DEVICE_BASE_SUM);
    is_valid = id && sqlite3_column_bytes(stmt, DEVICE_ID) == KV_ID_SIZE &&
               admit_is_integer(stmt, DEVICE_BASE_SEQ) &&
               admit_is_integer(stmt, DEVICE_BASE_SUM) && head->base.seq >= 0 &&
               kv_name_check(head->name, strlen(head->name)) == NULL;
    if (is_valid) memcpy(head->id, id, KV_ID_SIZE);
    if (is_valid) is_valid = admit_read_origin(stmt, head);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) is_valid = 0;
  }
  sqlite3_finalize(stmt);
  if (kv_error_is_disk(rc)) admit_say_unread(verdict, rc);
  if (admit_fault(rc) != SQLITE_OK) return rc;

  if (!is_valid) {
    kv_verdict_set(verdict, KV_STATE_DAMAGED, "has no valid device row");
  } else if (device && strcmp(device, head->name) != 0) {
    kv_verdict_set(verdict, KV_STATE_STRANGER, "is the log of device %s",
                   head->name);
  } else if (head->base.seq == 0 && head->base.sum != kv_log_start(head).sum) {
    kv_verdict_set(verdict, KV_STATE_DAMAGED,
                   "has a device row that does not match its checksum");
  }
  return SQLITE_OK;
}

int kv_admit(sqlite3 *handle, const char *device, kv_log_head *head,
             kv_verdict *verdict) {
  int rc = admit_check_header(handle, head, verdict);

  if (rc == SQLITE_OK && verdict->state == KV_STATE_OK) {
    rc = admit_check_schema(handle, verdict);
  }
  if (rc == SQLITE_OK && verdict->state == KV_STATE_OK) {
    rc = admit_read_head(handle, device, head, verdict);
  }
  return rc;
}
