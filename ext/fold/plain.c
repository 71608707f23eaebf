/*
** Plain JSON of a row. See plain.h.
*/
#include "plain.h"

void kv_plain_write(kv_bytes *out, const kv_fold_column *columns, size_t n) {
  size_t i;

  kv_record_begin(out, 0);
  for (i = 0; i < n; i++) {
    const kv_fold_column *column = &columns[i];
    kv_cell cell;

    if (column->op == KV_CELL_SET) {
      kv_apply_assign(column, &cell);
      kv_record_add(out, &cell);
      continue;
    }
    if (i > 0) kv_bytes_add(out, ",", 1);
    kv_json_add_text(out, column->name, column->n_name);
    kv_bytes_add(out, ":", 1);
    kv_bytes_add(out, column->value.z, column->value.n);
  }
  kv_record_end(out);
}
