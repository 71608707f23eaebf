/*
** The record of a log row: what an INSERT or UPDATE did to the columns of one row
** of a typed table.
**
**   record = {"":1,"balance":10,"name":"Ann"}
**            a JSON object, see json.h for its scalars; names ascending by their
**            bytes, each once, ASCII letters in lower case; "":1 says that
**            the row was inserted
**
**   cell   = null | integer | real | "text"            assigned
**            {"blob":"00ff"}                           assigned: a blob,
**            {"text":"610062"}                         text with a NUL in it, or
**                                                      that is not UTF-8
**            {"set":[...]} {"array":[...]}             assigned: a set, a list
**            {"add":number} {"max":number} {"min":number}
**            {"put":[...],"cut":[...]}                 one of them, or both
**            {"push":[...]}
**
** Elements are scalars. In set, put and cut they ascend (kv_json_compare()) and
** each is there once; put and cut share none. push, put and cut are not empty.
**
** A cell that is written in any other way is not understood, and the other cells
** count. If the object itself is malformed, its names are out of order, or it is
** too large, no cell counts.
**
** INVARIANT: the encoding is canonical: a record that is understood is, to the
** byte, what kv_record_begin() to kv_record_end() write for its cells.
*/
#ifndef KV_RECORD_RECORD_H
#define KV_RECORD_RECORD_H

#include "json.h"

/* A record has at most this many bytes, */
#define KV_RECORD_MAX ((size_t)64 << 20)

/* and this many cells: SQLite allows no more columns. */
#define KV_RECORD_CELLS 32767

/* What a cell does to its column. */
enum {
  KV_CELL_SET = 0,  /* assigns value: a scalar or a blob */
  KV_CELL_ELEMENTS, /* assigns put, a set */
  KV_CELL_ARRAY,    /* assigns put, a list */
  KV_CELL_ADD,      /* adds value, a number */
  KV_CELL_MAX,      /* value if it is greater */
  KV_CELL_MIN,      /* value if it is less */
  KV_CELL_PUT,      /* takes cut out of a set and adds put */
  KV_CELL_PUSH,     /* appends put to a list */
  KV_CELL_UNKNOWN   /* not understood */
};

/* Elements: a JSON array, [ and ] included. {NULL, 0}: no array. */
typedef struct kv_list {
  const char *z;
  size_t n;
} kv_list;

typedef struct kv_cell {
  const char *name; /* not NUL-terminated */
  size_t n_name;
  int op;         /* KV_CELL_* */
  int form;       /* KV_FORM_*: how value's bytes are written down; PLAIN in a
                  ** cell that you make, see kv_cell_value() for one read */
  kv_value value; /* SET, ADD, MAX, MIN */
  kv_list put;    /* ELEMENTS, ARRAY, PUT, PUSH */
  kv_list cut;    /* PUT */
} kv_cell;

typedef struct kv_record {
  int is_birth; /* the row was inserted */
  int is_whole; /* all of it is understood */
  size_t n;
  kv_cell *cells; /* ascending by name, without the birth; UNKNOWN included */
} kv_record;

/*
** Read a record, which may be any bytes. *out points into z and the arena.
** KV_NOMEM is the only error; is_whole tells whether all of it is understood.
*/
int kv_record_read(const void *z, size_t n, kv_arena *arena, kv_record *out);

/* The name of an operation: "set", "add", "put", ...; "" for UNKNOWN. */
const char *kv_cell_op_name(int op);

/* Does it assign (SET, ELEMENTS, ARRAY)? */
int kv_cell_is_assignment(const kv_cell *cell);

/* Do both assign the same value? */
int kv_cell_is_same(const kv_cell *a, const kv_cell *b);

/*
** What a cell says, as SQL sees it: the value, or the JSON of its elements;
** of a cell with put and cut what it puts. *out may be cell->value. KV_NOMEM.
*/
int kv_cell_value(const kv_cell *cell, kv_arena *arena, kv_value *out);

/* Compare names of columns by their bytes. */
int kv_cell_compare_names(const char *a, size_t n_a, const char *b, size_t n_b);

/*
** Write a record: begin, its cells in ascending order of names, end. The error,
** if there is one (KV_NOMEM, KV_TOOBIG), is in out->rc.
*/
void kv_record_begin(kv_bytes *out, int is_birth);
void kv_record_add(kv_bytes *out, const kv_cell *cell);
void kv_record_end(kv_bytes *out);

/* Walk through the elements of a list. kv_list_next() returns 0 at the end. */
typedef struct kv_list_at {
  const char *z;
  const char *end;
} kv_list_at;
kv_list_at kv_list_first(kv_list list);
int kv_list_next(kv_list_at *at, kv_scalar *out);

#endif
