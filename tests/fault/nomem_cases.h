/*
** Statements that run out of memory or are interrupted, and their preparation,
** for test_nomem_statements.
*/
#ifndef TEST_NOMEM_CASES_H
#define TEST_NOMEM_CASES_H

#include <sqlite3.h>

#define LAPTOP "n.kv/devices/laptop/log.db"
#define PHONE "n.kv/devices/phone/log.db"

/* How a case begins: a store of laptop that has merged phone's first rows. */
typedef enum nomem_kind { NO_STORE, TEMP, PERSISTENT } nomem_kind;

typedef struct nomem_case {
  const char *name;
  nomem_kind kind;
  void (*prepare)(sqlite3 *db); /* before the statement, with memory */
  const char *text;
  void (*undo)(void); /* before it runs again */
} nomem_case;

extern const nomem_case nomem_cases[];
extern const int nomem_n_cases;

/* The same of typed tables: nomem_typed.c. */
extern const nomem_case nomem_typed_cases[];
extern const int nomem_n_typed_cases;

/* And of the life of a log: nomem_life.c. */
extern const nomem_case nomem_life_cases[];
extern const int nomem_n_life_cases;

/* The folder and the host database that every case begins with. */
void nomem_make_start(void);

/* Restore both to their first state, whatever the last case left. */
void nomem_begin_again(void);

/* Begin a case: a connection with its store, prepared for the case. */
sqlite3 *nomem_connect(const nomem_case *c);

/* If the folder was moved away, bring it back. */
void nomem_folder_back(void);

/* Is the cache of this case destroyed? */
int nomem_loses_cache(const nomem_case *c);

#endif
