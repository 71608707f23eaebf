/*
** Parses the arguments that tables and functions share: options and times.
*/
#ifndef KV_TABLE_ARGUMENTS_H
#define KV_TABLE_ARGUMENTS_H

#include "connection/registry.h"

/* A smaller integer can hardly be meant as microseconds since 1970. */
#define KV_TIME_SMALLEST ((int64_t)100000000000000)

/*
** A time from SQL: text as kv_time_parse() takes it, 'now', or integer
** microseconds. *last is the last microsecond that it means. `now` is the
** wall clock. SQLITE_ERROR with a message for anything else.
*/
int kv_argument_time(sqlite3_value *value, int64_t now, int64_t *last,
                     char **err);

/* The same for a text of n bytes. */
int kv_argument_time_text(const char *z, int n, int64_t now, int64_t *last,
                          char **err);

/* Options being read; the texts that kv_options borrows are owned here. */
typedef struct kv_arguments {
  kv_options options;
  char *path;
  char *device;
  char *name;  /* option name; NULL: not given */
  int discard; /* option discard */
} kv_arguments;

void kv_arguments_init(kv_arguments *arguments);
void kv_arguments_clear(kv_arguments *arguments);

/*
** Read one option "name=value"; the value may be quoted with ' or ". `allowed`
** lists the names, with spaces around each: " now name ". SQLITE_ERROR with a
** message that lists them.
*/
int kv_arguments_option(kv_arguments *arguments, const char *z, int n,
                        const char *allowed, char **err);

/* Read a list of options, "name=value, name=value". */
int kv_arguments_list(kv_arguments *arguments, const char *z,
                      const char *allowed, char **err);

/* Read the path of CREATE VIRTUAL TABLE, quoted or not. */
int kv_arguments_path(kv_arguments *arguments, const char *z);

/*
** The text of an argument of a function; NULL for NULL. SQLITE_ERROR, with a
** message that names it, if it contains a NUL: the rest would be lost.
*/
int kv_arguments_text(sqlite3_value *value, const char *what, const char **out,
                      char **err);

/*
** A whole number: an integer, or the real that some hosts bind instead. Returns
** 0 if the value is something else.
*/
int kv_argument_whole(sqlite3_value *value, int64_t *out);

#endif
