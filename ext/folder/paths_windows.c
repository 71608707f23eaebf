/*
** Paths on Windows: drives, servers, links, and what is said of a folder that
** cannot be. See folder.h.
*/
#ifdef _WIN32
#include "folder_windows.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "db/error.h"

/* Drop separators at the end, but not a drive's: C:\ is not C: */
static void folder_trim(wchar_t *path) {
  size_t n = wcslen(path);

  while (n > 1 && path[n - 1] == L'\\' && path[n - 2] != L':')
    path[--n] = 0;
}

/* Drop the prefix that turns off parsing: \\?\C:\x, \\?\UNC\server\share */
static void folder_drop_prefix(wchar_t *path) {
  if (wcsncmp(path, L"\\\\?\\UNC\\", 8) == 0) {
    memmove(path + 2, path + 8, (wcslen(path + 8) + 1) * sizeof(*path));
  } else if (wcsncmp(path, L"\\\\?\\", 4) == 0 && path[4] && path[5] == L':') {
    memmove(path, path + 4, (wcslen(path + 4) + 1) * sizeof(*path));
  }
}

/* The whole path by its text alone. */
static wchar_t *folder_full(const wchar_t *path) {
  DWORD size = GetFullPathNameW(path, 0, NULL, NULL);
  wchar_t *full = sqlite3_malloc64(((sqlite3_uint64)size + 1) * sizeof(*full));
  DWORD n = full ? GetFullPathNameW(path, size, full, NULL) : 0;

  if (full && (n == 0 || n >= size)) {
    sqlite3_free(full);
    return NULL;
  }
  if (full) {
    folder_drop_prefix(full);
    folder_trim(full);
  }
  return full;
}

/*
** The path of an open file without links, spelled as on the disk. NULL, too,
** where the file system does not tell.
*/
static wchar_t *folder_final(HANDLE file) {
  DWORD size = GetFinalPathNameByHandleW(file, NULL, 0, VOLUME_NAME_DOS);
  wchar_t *final = NULL;
  DWORD n = 0;

  if (size) {
    final = sqlite3_malloc64(((sqlite3_uint64)size + 1) * sizeof(*final));
  }
  if (final) {
    n = GetFinalPathNameByHandleW(file, final, size + 1, VOLUME_NAME_DOS);
  }
  if (n == 0 || n > size) {
    sqlite3_free(final);
    return NULL;
  }
  folder_drop_prefix(final);
  folder_trim(final);
  return final;
}

static char *folder_plain(const wchar_t *path) {
  char *text = kv_windows_utf8(path);
  char *z;

  for (z = text; z && *z; z++) {
    if (*z == '\\') *z = '/';
  }
  return text;
}

/* Resolve the part of an absolute path that exists, and keep the rest. */
static char *folder_real(const char *path) {
  wchar_t *name = kv_windows_name(path);
  HANDLE file = name ? kv_windows_handle(name, 0) : INVALID_HANDLE_VALUE;
  const char *slash = strrchr(path, '/');
  char *real = NULL;

  if (file != INVALID_HANDLE_VALUE) {
    wchar_t *final = folder_final(file);
    CloseHandle(file);
    real = final ? folder_plain(final) : kv_strdup(path);
    sqlite3_free(final);
  } else if (!slash || slash - path < 3) { /* below C:/ or a server's name */
    real = kv_strdup(path);
  } else {
    char *parent = sqlite3_mprintf("%.*s", (int)(slash - path), path);
    char *head = parent ? folder_real(parent) : NULL;
    size_t n = head ? strlen(head) : 0;

    if (head) {
      real = sqlite3_mprintf(n && head[n - 1] == '/' ? "%s%s" : "%s/%s", head,
                             slash + 1);
    }
    sqlite3_free(parent);
    sqlite3_free(head);
  }
  sqlite3_free(name);
  return real;
}

/* C:/x, //server/share, and /x and C:x, which start where Windows says. */
static int folder_is_absolute(const char *path) {
  if (path[0] == '/' || path[0] == '\\') return 1;
  return path[0] && path[1] == ':' &&
         strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                path[0]) != NULL;
}

static char *folder_join(const char *path, const char *base) {
  return folder_is_absolute(path)
           ? kv_strdup(path)
           : sqlite3_mprintf("%s/%s", base ? base : ".", path);
}

/* A path that Windows refuses stays; kv_folder_resolve() reports it. */
char *kv_folder_absolute(const char *path, const char *base) {
  char *joined = folder_join(path, base);
  wchar_t *wide = joined ? kv_windows_wide(joined) : NULL;
  wchar_t *full = wide ? folder_full(wide) : NULL;

  if (full) {
    sqlite3_free(joined);
    joined = folder_plain(full);
  }
  sqlite3_free(full);
  sqlite3_free(wide);
  return joined;
}

static int folder_absolute(const char *path, const char *base, char **out,
                           char **err) {
  char *joined = folder_join(path, base);
  wchar_t *wide = joined ? kv_windows_wide(joined) : NULL;
  wchar_t *full = wide ? folder_full(wide) : NULL;
  int rc = wide ? SQLITE_OK : SQLITE_NOMEM;

  *out = full ? folder_plain(full) : NULL;
  if (rc == SQLITE_OK && !full) {
    rc = kv_error(err, SQLITE_CANTOPEN,
                  "%s cannot be the path of a file or "
                  "folder",
                  joined);
  } else if (rc == SQLITE_OK && !*out) {
    rc = SQLITE_NOMEM;
  }
  sqlite3_free(full);
  sqlite3_free(wide);
  sqlite3_free(joined);
  return rc;
}

/* What Windows says about an error of its own, or NULL. */
static char *folder_message(DWORD error) {
  wchar_t wide[256];
  DWORD n =
    FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS |
                     FORMAT_MESSAGE_MAX_WIDTH_MASK,
                   NULL, error, 0, wide, 256, NULL);

  while (n > 0 && (wide[n - 1] == L' ' || wide[n - 1] == L'.'))
    n--;
  if (n == 0) return sqlite3_mprintf("Windows error %u", (unsigned)error);
  wide[n] = 0;
  return kv_windows_utf8(wide);
}

static int folder_create(const char *path, char **err) {
  wchar_t *name = kv_windows_name(path);
  DWORD error = name ? kv_windows_make(name) : ERROR_SUCCESS;
  DWORD attributes = name ? GetFileAttributesW(name) : INVALID_FILE_ATTRIBUTES;
  int rc = name ? SQLITE_OK : SQLITE_NOMEM;

  sqlite3_free(name);
  if (error != ERROR_SUCCESS) {
    char *why = folder_message(error);
    rc = kv_error(err, SQLITE_CANTOPEN,
                  error == ERROR_PATH_NOT_FOUND
                    ? "cannot create folder %s: %s; only the last part of a "
                      "path is created, so mount or make the rest"
                    : "cannot create folder %s: %s",
                  path, why ? why : "unknown error");
    sqlite3_free(why);
  } else if (attributes != INVALID_FILE_ATTRIBUTES &&
             !(attributes & FILE_ATTRIBUTE_DIRECTORY)) {
    rc = kv_error(err, SQLITE_CANTOPEN,
                  "%s is not a folder; name the folder that the devices share",
                  path);
  }
  return rc;
}

int kv_folder_resolve(const char *path, const char *base, int create,
                      char **out, char **err) {
  char *absolute = NULL;
  int rc = folder_absolute(path, base, &absolute, err);

  *out = NULL;
  if (rc == SQLITE_OK && create) rc = folder_create(absolute, err);
  if (rc == SQLITE_OK) {
    *out = folder_real(absolute);
    if (!*out) rc = SQLITE_NOMEM;
  }
  sqlite3_free(absolute);
  return rc;
}
#else
typedef int kv_paths_are_elsewhere; /* folder.c */
#endif
