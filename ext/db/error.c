/*
** Error messages and zeroed memory. See error.h.
*/
#include "error.h"

#include <stdarg.h>
#include <string.h>

#define ERROR_PREFIX "kv: "

int kv_error_public(int rc) {
  return rc == KV_GAP || rc == KV_REFUSED || rc == KV_DAMAGED ? SQLITE_CORRUPT
                                                              : rc;
}

static int error_is_none(int rc) {
  return rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE;
}

int kv_first_error(int rc, int rc2) {
  return error_is_none(rc) && !error_is_none(rc2) ? rc2 : rc;
}

int kv_error(char **err, int rc, const char *format, ...) {
  va_list ap;
  char *text;

  if (!err || *err) return rc;
  va_start(ap, format);
  text = sqlite3_vmprintf(format, ap);
  va_end(ap);
  if (text) *err = sqlite3_mprintf(ERROR_PREFIX "%s", text);
  sqlite3_free(text);
  return rc;
}

static int error_is_ours(const char *err) {
  return err && strncmp(err, ERROR_PREFIX, strlen(ERROR_PREFIX)) == 0;
}

const char *kv_error_reason(const char *err, int rc) {
  if (!err) return sqlite3_errstr(rc);
  return error_is_ours(err) ? err + strlen(ERROR_PREFIX) : err;
}

int kv_error_db(char **err, int rc, sqlite3 *db, const char *what) {
  int primary = rc & 0xff;

  if (primary == SQLITE_NOMEM || primary == SQLITE_INTERRUPT) return rc;
  if (primary == SQLITE_CONSTRAINT) {
    if (err && !*err) {
      int is_last = (sqlite3_errcode(db) & 0xff) == primary;

      *err = kv_strdup(is_last ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
    }
    return rc;
  }
  if (error_is_ours(sqlite3_errmsg(db))) {
    return kv_error(err, rc, "%s", kv_error_reason(sqlite3_errmsg(db), rc));
  }
  return kv_error(err, rc, "%s: %s", what,
                  (sqlite3_errcode(db) & 0xff) == primary ? sqlite3_errmsg(db)
                                                          : sqlite3_errstr(rc));
}

void kv_error_clear(char **err) {
  if (!err) return;
  sqlite3_free(*err);
  *err = NULL;
}

int kv_error_is_disk(int rc) {
  switch (rc & 0xff) {
    case SQLITE_IOERR: return rc != SQLITE_IOERR_SHORT_READ;
    case SQLITE_CANTOPEN:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PERM: return 1;
    default: return 0;
  }
}

int kv_error_put_off(char **err, int rc, char *why) {
  switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_PERM:
    case SQLITE_BUSY:
    case SQLITE_TOOBIG: rc = SQLITE_OK; break;
    default: kv_error(err, rc, "%s", kv_error_reason(why, rc)); break;
  }
  sqlite3_free(why);
  return rc;
}

void *kv_zalloc(sqlite3_uint64 n) {
  void *p = sqlite3_malloc64(n);
  if (p) memset(p, 0, n);
  return p;
}

void *kv_realloc(void *p, size_t n) {
  return sqlite3_realloc64(p, n);
}

char *kv_strdup(const char *z) {
  return z ? sqlite3_mprintf("%s", z) : NULL;
}
