/*
** Values and rows that the tests of rows begin with.
*/
#ifndef TEST_ROWS_H
#define TEST_ROWS_H

#include <string.h>

#include "core/row.h"

static const unsigned char an_id[KV_ID_SIZE] = {
  0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
  0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

/* Fields that do not belong to a type are not read. */
static inline kv_value null_value(void) {
  kv_value v = {KV_NULL, -1, 0.5, "?", 1};
  return v;
}

static inline kv_value integer(int64_t i) {
  kv_value v = {KV_INTEGER, i, 0, NULL, 0};
  return v;
}

static inline kv_value real(double r) {
  kv_value v = {KV_REAL, 0, r, NULL, 0};
  return v;
}

static inline kv_value text(const char *z) {
  kv_value v = {KV_TEXT, 0, 0, z, strlen(z)};
  return v;
}

static inline kv_value blob(const void *z, size_t n) {
  kv_value v = {KV_BLOB, 0, 0, z, n};
  return v;
}

/* A first row in a log: sets 'title' to 'Hello'. */
static inline kv_row a_row(void) {
  kv_row row = {0};

  row.seq = 1;
  row.txn = 1;
  row.ts = 1700000000000000;
  row.op = KV_OP_SET;
  row.parent_ts = null_value();
  row.bucket = text("");
  row.key = text("title");
  row.value = text("Hello");
  return row;
}

/* A row like that of op 2. */
static inline kv_row a_seen_row(void) {
  kv_row row = a_row();

  row.op = KV_OP_SEEN;
  row.parent_ts = integer(-1);
  row.bucket = text("phone");
  row.key = blob(an_id, KV_ID_SIZE);
  row.value = integer(7);
  return row;
}

#endif
