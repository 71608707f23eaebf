/*
** Log files written by hand. See logs.h.
*/
#include "logs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "connection.h"
#include "core/row.h"
#include "db/value.h"
#include "files.h"
#include "rc.h"

/* A test's files need not survive a power cut. */
static sqlite3 *logs_connect(const char *path) {
  sqlite3 *db = NULL;

  assert_rc(sqlite3_open(path, &db), SQLITE_OK);
  test_run(db, "PRAGMA synchronous = OFF");
  return db;
}

static const char logs_schema[] = "PRAGMA encoding = 'UTF-8';"
                                  "PRAGMA application_id = 0x4b564c47;"
                                  "PRAGMA user_version = 2;"
                                  "CREATE TABLE device(\n"
                                  "  name TEXT,\n"
                                  "  id BLOB,\n"
                                  "  host TEXT,\n"
                                  "  created INTEGER,\n"
                                  "  base_seq INTEGER,\n"
                                  "  base_sum INTEGER,\n"
                                  "  former_id BLOB,\n"
                                  "  former_seq INTEGER,\n"
                                  "  former_sum INTEGER,\n"
                                  "  horizon INTEGER,\n"
                                  "  algo TEXT\n"
                                  ");"
                                  "CREATE TABLE log(\n"
                                  "  seq INTEGER PRIMARY KEY,\n"
                                  "  txn INTEGER NOT NULL,\n"
                                  "  ts INTEGER NOT NULL,\n"
                                  "  parent_ts INTEGER,\n"
                                  "  op INTEGER NOT NULL,\n"
                                  "  bucket TEXT NOT NULL,\n"
                                  "  key NOT NULL,\n"
                                  "  value,\n"
                                  "  sum INTEGER NOT NULL\n"
                                  ");";

void test_log_begin(test_log *log, const char *path, const char *device,
                    char id) {
  char bytes[KV_ID_SIZE];

  memset(log, 0, sizeof(*log));
  memset(bytes, id, sizeof(bytes));
  log->db = logs_connect(path);
  test_run(log->db, "%s", logs_schema);
  log->row.sum = kv_row_base_sum(device, strlen(device), bytes);
  test_run(log->db,
           "INSERT INTO device VALUES(%Q, x'%02x%02x%02x%02x%02x%02x"
           "%02x%02x%02x%02x%02x%02x%02x%02x%02x%02x', '', %lld, 0, "
           "%lld, NULL, NULL, NULL, 0, 'xxh3-64')",
           device, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id,
           id, TEST_NOW, log->row.sum);
}

void test_log_open(test_log *log, const char *path) {
  sqlite3_stmt *stmt = NULL;

  memset(log, 0, sizeof(*log));
  log->db = logs_connect(path);
  assert_rc(
    sqlite3_prepare_v2(log->db,
                       "SELECT seq, sum FROM log UNION ALL SELECT base_seq, "
                       "base_sum FROM device ORDER BY 1 DESC LIMIT 1",
                       -1, &stmt, NULL),
    SQLITE_OK);
  assert_rc(sqlite3_step(stmt), SQLITE_ROW);
  log->row.seq = sqlite3_column_int64(stmt, 0);
  log->row.sum = sqlite3_column_int64(stmt, 1);
  sqlite3_finalize(stmt);
}

void test_log_write(test_log *log) {
  kv_row *row = &log->row;
  sqlite3_stmt *stmt = NULL;

  row->seq++;
  row->sum = kv_row_sum(row->sum, row);
  assert_rc(sqlite3_prepare_v2(log->db,
                               "INSERT INTO log VALUES(?,?,?,?,?,?,?,?,"
                               "?)",
                               -1, &stmt, NULL),
            SQLITE_OK);
  sqlite3_bind_int64(stmt, 1, row->seq);
  sqlite3_bind_int64(stmt, 2, row->txn);
  sqlite3_bind_int64(stmt, 3, row->ts);
  kv_value_bind(stmt, 4, &row->parent_ts);
  sqlite3_bind_int(stmt, 5, row->op);
  kv_value_bind(stmt, 6, &row->bucket);
  kv_value_bind(stmt, 7, &row->key);
  kv_value_bind(stmt, 8, &row->value);
  sqlite3_bind_int64(stmt, 9, row->sum);
  assert_rc(sqlite3_step(stmt), SQLITE_DONE);
  sqlite3_finalize(stmt);
}

void test_log_set(test_log *log, int64_t ts, const char *key, const char *value,
                  int behind) {
  log->row.txn = log->row.seq + 1 + behind;
  log->row.ts = ts;
  log->row.op = value ? KV_OP_SET : KV_OP_DELETE;
  log->row.parent_ts = test_null();
  log->row.bucket = test_text("");
  log->row.key = test_text(key);
  log->row.value = value ? test_text(value) : test_null();
  test_log_write(log);
}

const char *test_log_make(const char *folder) {
  const char *path = test_path("%s/log.db", folder);
  test_log log;

  test_log_begin(&log, path, "phone", 1);
  test_log_set(&log, TEST_NOW, "a", "1", 0);
  test_log_set(&log, TEST_NOW + 10, "b", "2", 1);
  test_log_set(&log, TEST_NOW + 10, "c", "3", 0);
  test_log_set(&log, TEST_NOW + 20, "d", NULL, 0);
  test_log_end(&log);
  return path;
}

void test_log_break(const char *path, const char *text) {
  sqlite3 *db = logs_connect(path);

  test_run(db, "%s", text);
  assert_rc(sqlite3_close(db), SQLITE_OK);
}

void test_log_end(test_log *log) {
  assert_rc(sqlite3_close(log->db), SQLITE_OK);
  log->db = NULL;
}

kv_value test_null(void) {
  kv_value value = {KV_NULL, 0, 0, NULL, 0};
  return value;
}

kv_value test_integer(int64_t i) {
  kv_value value = {KV_INTEGER, i, 0, NULL, 0};
  return value;
}

kv_value test_real(double r) {
  kv_value value = {KV_REAL, 0, r, NULL, 0};
  return value;
}

kv_value test_text(const char *z) {
  kv_value value = {KV_TEXT, 0, 0, z, strlen(z)};
  return value;
}

kv_value test_blob(const void *z, size_t n) {
  kv_value value = {KV_BLOB, 0, 0, z, n};
  return value;
}
