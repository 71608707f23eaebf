/*
** Placeholders. See placeholder.h.
*/
#include "placeholder.h"

#include <string.h>

#include "folder/folder.h"

/* What stands before and after the name of the file. */
static const char *const placeholder_names[][2] = {
  {".", ".icloud"},   /* iCloud Drive before macOS 14 */
  {"", ".nextcloud"}, /* Nextcloud, ownCloud; not on Windows and macOS */
  {"", ".owncloud"},  {"", ".cloud"}, /* odrive, a file and a folder */
  {"", ".cloudf"},    {"", ".rsls"},  /* Resilio Sync, the same */
  {"", ".rslsls"},
};

#define PLACEHOLDER_NAMES                                                      \
  ((int)(sizeof(placeholder_names) / sizeof(placeholder_names[0])))

int kv_placeholder_is(const char *name) {
  size_t n = strlen(name);
  int i;

  for (i = 0; i < PLACEHOLDER_NAMES; i++) {
    size_t before = strlen(placeholder_names[i][0]);
    size_t behind = strlen(placeholder_names[i][1]);

    if (n > before + behind &&
        strncmp(name, placeholder_names[i][0], before) == 0 &&
        strcmp(name + n - behind, placeholder_names[i][1]) == 0) {
      return 1;
    }
  }
  return 0;
}

int kv_placeholder_find(const char *path, char **out) {
  const char *name = strrchr(path, '/') + 1;
  kv_stamp stamp;
  int i;

  *out = NULL;
  for (i = 0; i < PLACEHOLDER_NAMES && !*out; i++) {
    *out =
      sqlite3_mprintf("%.*s%s%s%s", (int)(name - path), path,
                      placeholder_names[i][0], name, placeholder_names[i][1]);
    if (!*out) return SQLITE_NOMEM;
    if (kv_folder_look(*out, &stamp) != KV_FILE_REGULAR) { /* or a device */
      sqlite3_free(*out);
      *out = NULL;
    }
  }
  return SQLITE_OK;
}
