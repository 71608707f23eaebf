/*
** For programs that use the libsqlite3 of the system and load no extensions:
** Python that pyenv built, PDO before PHP 8.4, LuaSQL, Mono.
**
**   cc -shared -fPIC preload.c -o preload.so -ldl -lsqlite3
**   KV_MODULE=$PWD/kv.so LD_PRELOAD=$PWD/preload.so php php_pdo.php
**
** Each connection that the program opens has the extension. A program with a
** SQLite of its own (Node, Bun, a browser) does not see this.
*/
#include <dlfcn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((constructor)) static void preload(void) {
  const char *path = getenv("KV_MODULE");
  void *module = dlopen(path ? path : "./kv.so", RTLD_NOW);
  void *found = module ? dlsym(module, "sqlite3_kv_init") : NULL;
  void (*init)(void) = NULL;

  if (!found) {
    fprintf(stderr, "preload: %s\n", dlerror());
    return;
  }
  memcpy(&init, &found, sizeof(init)); /* ISO C has no cast for this */
  sqlite3_auto_extension(init);
}
