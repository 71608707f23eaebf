/*
** Rows that a running UPDATE OR REPLACE has moved. See moves.h.
*/
#include "moves.h"

#include <stddef.h>

#include "db/error.h"

void kv_moves_begin(kv_moves *moves, int64_t first) {
  sqlite3_free(moves->bits);
  moves->bits = NULL;
  moves->first = first;
}

int kv_moves_add(kv_moves *moves, int64_t index) {
  if (index >= moves->first) return SQLITE_OK;
  if (!moves->bits) {
    moves->bits = kv_zalloc((sqlite3_uint64)moves->first / 8 + 1);
  }
  if (!moves->bits) return SQLITE_NOMEM;
  moves->bits[index / 8] |= (unsigned char)(1 << (index % 8));
  return SQLITE_OK;
}

int kv_moves_has(const kv_moves *moves, int64_t index) {
  if (index >= moves->first) return 1;
  return moves->bits && ((moves->bits[index / 8] >> (index % 8)) & 1);
}
