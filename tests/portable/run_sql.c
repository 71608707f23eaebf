/*
** Run SQL with an extension, where there is no sqlite3 shell:
**
**     run_sql DATABASE MODULE < script.sql
**
** A line `.reopen` closes the connection and opens it again. Rows are
** printed with their columns separated by |, NULL as nothing; an error as
** `error: message`, and the next statement runs. Exits with 1 if the module
** cannot be loaded.
**
** On Windows, names of 260 characters and more are refused where they do not begin
** as Windows wants it, with \\?\: Wine has no such limit.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sqlite3.h"

#ifdef _WIN32
#include <windows.h>

/* The VFS of SQLite with the limit of Windows. */
static sqlite3_vfs limited;
static sqlite3_vfs *below;

static int limited_refuses(const char *name) {
  return name &&
         MultiByteToWideChar(CP_UTF8, 0, name, -1, NULL, 0) > MAX_PATH &&
         strncmp(name, "\\\\?\\", 4) != 0;
}

static int limited_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file,
                        int flags, int *shown) {
  (void)vfs;
  file->pMethods = NULL;
  if (limited_refuses(name)) return SQLITE_CANTOPEN;
  return below->xOpen(below, name, file, flags, shown);
}

static int limited_delete(sqlite3_vfs *vfs, const char *name, int sync) {
  (void)vfs;
  if (limited_refuses(name)) return SQLITE_IOERR_DELETE;
  return below->xDelete(below, name, sync);
}

static int limited_access(sqlite3_vfs *vfs, const char *name, int flags,
                          int *is) {
  (void)vfs;
  if (limited_refuses(name)) return SQLITE_IOERR_ACCESS;
  return below->xAccess(below, name, flags, is);
}

static void run_limit(void) {
  below = sqlite3_vfs_find(NULL);
  limited = *below;
  limited.zName = "limited";
  limited.xOpen = limited_open;
  limited.xDelete = limited_delete;
  limited.xAccess = limited_access;
  sqlite3_vfs_register(&limited, 1);
}
#endif

static sqlite3 *run_open(const char *database, const char *module) {
  sqlite3 *db = NULL;
  char *err = NULL;
  int rc = sqlite3_open(database, &db);

  if (rc == SQLITE_OK) rc = sqlite3_enable_load_extension(db, 1);
  if (rc == SQLITE_OK) rc = sqlite3_load_extension(db, module, NULL, &err);
  if (rc != SQLITE_OK) {
    printf("error: %s\n", err ? err : sqlite3_errmsg(db));
    exit(1);
  }
  return db;
}

static int run_print(void *unused, int n, char **values, char **names) {
  int i;

  (void)unused;
  (void)names;
  for (i = 0; i < n; i++)
    printf("%s%s", i ? "|" : "", values[i] ? values[i] : "");
  printf("\n");
  return 0;
}

static int run(const char *database, const char *module) {
  static char sql[65536];
  char line[4096];
  sqlite3 *db = run_open(database, module);

  while (fgets(line, sizeof(line), stdin)) {
    char *err = NULL;

    line[strcspn(line, "\r")] = '\0';
    if (strncmp(line, ".reopen", 7) == 0) {
      sqlite3_close(db);
      db = run_open(database, module);
      continue;
    }
    if (strlen(sql) + strlen(line) + 2 > sizeof(sql)) return 2;
    strcat(sql, line);
    if (!sqlite3_complete(sql)) continue;
    if (sqlite3_exec(db, sql, run_print, NULL, &err) != SQLITE_OK) {
      printf("error: %s\n", err);
      sqlite3_free(err);
    }
    fflush(stdout);
    sql[0] = '\0';
  }
  return sqlite3_close(db) == SQLITE_OK ? 0 : 1;
}

#ifdef _WIN32
/* The arguments are UTF-16, whatever the code page. */
int wmain(int argc, wchar_t **argv) {
  char text[2][4096];
  int i;

  for (i = 0; i < 2 && argc == 3; i++)
    WideCharToMultiByte(CP_UTF8, 0, argv[i + 1], -1, text[i], 4096, NULL, NULL);
  run_limit();
  return argc == 3 ? run(text[0], text[1]) : 2;
}
#else
int main(int argc, char **argv) {
  return argc == 3 ? run(argv[1], argv[2]) : 2;
}
#endif
