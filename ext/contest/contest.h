/*
** Contested keys: keys with a value that was lost to a writer who, as far as
** the seen rows say, had not seen it. {name}_contested has them, so that
** kv_conflicts looks at them alone.
**
** The rows of a key are judged from the latest to the first. A value is
** settled if a later row is of the same device, or of one that had merged it:
**
**     a9 laptop   the latest
**     a7 phone    laptop had merged phone up to here: settled
**     a6 phone    phone wrote later: settled
**     a4 tablet   neither of them had merged it: the key is contested
**
** More rows leave settled what is settled, and only a row that another row comes
** after can be lost. So a merge judges the keys that it brings, with their rows
** in front; or it leaves that to a sweep, which walks over the front anyway. If
** rows were taken away, all is judged again.
**
** INVARIANT: while kv_meta.judged is KV_JUDGED_ALL, {name}_contested has each key
** with a conflict; and while it is KV_JUDGED_BACK, each whose lost value had been
** there at the last sweep. It may have others, until they are judged again.
*/
#ifndef KV_CONTEST_CONTEST_H
#define KV_CONTEST_CONTEST_H

#include "core/names.h"
#include "db/run.h"

/* How much was judged: kv_meta.judged. */
enum { KV_JUDGED_NONE, KV_JUDGED_BACK, KV_JUDGED_ALL };

/* Writers of a key that are told apart; with more, it counts as contested. */
#define KV_CONTEST_WRITERS 16

typedef struct kv_contest_writer {
  char device[KV_NAME_MAX + 1];
  size_t n;
  int64_t seq; /* its latest row of the key */
} kv_contest_writer;

typedef struct kv_contest_key kv_contest_key;

/* The rows of one key after the other, and the keys that were found. */
typedef struct kv_contest {
  kv_stmts *stmts; /* borrowed */
  kv_value bucket; /* the key that is judged; its bytes are in `bytes` */
  kv_value key;
  unsigned char *bytes;
  size_t n_bytes;
  int is_contested; /* by the rows so far */
  int n_writers;
  kv_contest_writer writers[KV_CONTEST_WRITERS];
  kv_contest_key *first; /* found keys */
  kv_contest_key *last;
  size_t n_found; /* their bytes */
} kv_contest;

/* End it with kv_contest_clear(), which drops what was found and not put. */
void kv_contest_begin(kv_contest *contest, kv_stmts *stmts);
void kv_contest_clear(kv_contest *contest);

/* The next row is of this key; *is_new: the row before was of another one. */
int kv_contest_key_is(kv_contest *contest, const kv_value *bucket,
                      const kv_value *key, int *is_new);

/* The next row of the key. */
int kv_contest_row(kv_contest *contest, const kv_value *device, int64_t seq,
                   int op);

/* Remember the key for kv_contest_put(). */
int kv_contest_add(kv_contest *contest);

/*
** A row of a device is about to be merged: judge its key with the rows in front,
** or, of another bucket, with all rows, and remember it if it is contested.
*/
int kv_contest_merge(kv_contest *contest, const kv_value *device,
                     const kv_row *row);

/* Put the keys that were found into {name}_contested. */
int kv_contest_put(kv_contest *contest);

/*
** *is_apart: the cache has rows of other devices that `device` had not merged
** when it wrote its row number `first`.
*/
int kv_contest_is_apart(kv_stmts *stmts, const char *device, int64_t first,
                        int *is_apart);

/* Note how much is judged. */
int kv_contest_note(kv_stmts *stmts, int judged);

/* Judge all rows; `rows` is how many rows all logs have. */
int kv_contest_judge_all(kv_stmts *stmts, int64_t rows);

/* Judge the contested keys again, and take out those that are settled. */
int kv_contest_judge_again(kv_stmts *stmts, int64_t rows);

#endif
