/*
** The state of a device's log: a word and a sentence.
**
** kv_devices shows the words, and {name}_cursor keeps them.
*/
#ifndef KV_FILE_STATE_H
#define KV_FILE_STATE_H

#include "db/sqlite.h"

typedef enum kv_state {
  KV_STATE_OK,        /* all that the file holds is merged */
  KV_STATE_WAITING,   /* part of it has not arrived, or is not verified */
  KV_STATE_BEHIND,    /* an older copy than the one that was read */
  KV_STATE_REWRITTEN, /* another log replaced it; read from the beginning */
  KV_STATE_DAMAGED,   /* does not verify beyond what is merged */
  KV_STATE_STRANGER,  /* not a log, or not this device's */
  KV_STATE_NEWER,     /* a format that this version does not read */
  KV_STATE_MISSING,   /* no longer in the folder */
  KV_STATE_BUSY,      /* could not be opened or read */
  KV_STATE_TWIN       /* own log: another writer uses this device's name */
} kv_state;

typedef struct kv_verdict {
  kv_state state;
  char *detail; /* for sqlite3_free(); NULL if there is nothing to add */
} kv_verdict;

const char *kv_state_word(kv_state state);

/* The state of a word; KV_STATE_DAMAGED for an unknown one. */
kv_state kv_state_of_word(const char *word);

/* Set a verdict, with a formatted sentence (NULL: none). */
void kv_verdict_set(kv_verdict *verdict, kv_state state, const char *format,
                    ...);

/* Free what it holds and make it ok. */
void kv_verdict_clear(kv_verdict *verdict);

#endif
