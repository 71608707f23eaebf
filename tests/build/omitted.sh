# SQLite may be built without some routines, which are NULL then: none of them is
# called. https://www.sqlite.org/compile.html#_options_to_omit_features
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat > "$folder/host.c" <<'END_C'
#include <dlfcn.h>
#include <stdio.h>
#include <sqlite3.h>
#include <sqlite3ext.h>
#undef sqlite3_open
#undef sqlite3_close
#undef sqlite3_exec
#undef sqlite3_errmsg
#undef sqlite3_auto_extension
#undef sqlite3_reset_auto_extension

typedef int (*entry)(sqlite3 *, char **, const sqlite3_api_routines *);

static sqlite3_api_routines routines;

/* SQLite gives its routines to extensions only. */
static int take(sqlite3 *db, char **err, const sqlite3_api_routines *api) {
  (void)db, (void)err;
  routines = *api;
  return SQLITE_OK;
}

static int show(void *data, int n, char **columns, char **names) {
  (void)data, (void)n, (void)names;
  puts(columns[0] ? columns[0] : "NULL");
  return 0;
}

int main(int argc, char **argv) {
  static const char *const texts[] = {
    "SELECT kv_open('n.kv', 'laptop')",
    "INSERT INTO kv VALUES('a', 1), ('b', zeroblob(10000))",
    "SELECT kv_sync()",
    "SELECT key FROM kv WHERE key GLOB 'a*' AND key LIKE 'a%'",
    "SELECT state FROM kv_devices",
    "SELECT kv_close()"};
  void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
  void *symbol = library ? dlsym(library, "sqlite3_kv_init") : NULL;
  sqlite3 *db = NULL;
  char *err = NULL;
  size_t i;

  sqlite3_auto_extension((void (*)(void))take);
  if (!symbol || sqlite3_open(":memory:", &db) != SQLITE_OK) return 1;
  sqlite3_reset_auto_extension();
  routines.mutex_alloc = NULL;
  routines.mutex_enter = NULL;
  routines.mutex_free = NULL;
  routines.mutex_leave = NULL;
  routines.mutex_try = NULL;
  routines.compileoption_get = NULL;
  routines.compileoption_used = NULL;
  routines.progress_handler = NULL;
  if ((*(entry *)&symbol)(db, &err, &routines) != SQLITE_OK) return 1;
  for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    if (sqlite3_exec(db, texts[i], show, NULL, NULL) != SQLITE_OK) {
      puts(sqlite3_errmsg(db));
    }
  }
  return sqlite3_close(db) != SQLITE_OK;
}
END_C
"$CC" -o "$folder/host" "$folder/host.c" -lsqlite3 -ldl
cd "$folder"
LD_PRELOAD="$KV_PRELOAD" ./host "$KV_MODULE_FILE" > got || { cat got; exit 1; }
printf '%s\n' laptop 0 a ok NULL > expected
diff -u expected got
