/*
** The shared folder on Windows. See folder.h.
**
** Paths are UTF-8 with forward slashes outside of this file, so that the
** code above knows one separator, and UTF-16 inside. A look opens a file for
** its attributes alone, which conflicts with no sharing mode and no lock.
*/
#ifdef _WIN32
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0602 /* Windows 8: GetSystemTimePreciseAsFileTime() */
#endif
#define WIN32_LEAN_AND_MEAN
#include "folder.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>

#include "core/row.h"
#include "db/error.h"

/* FILETIME counts 100 ns since 1601; this is 1970. */
#define FOLDER_EPOCH INT64_C(116444736000000000)

/* A virus scanner or a sync tool releases a file after a while: retry. */
#define FOLDER_TRIES 10
#define FOLDER_WAIT 25 /* milliseconds, as SQLite's own VFS waits */

/* Reparse points that are things of their own, by their tags in winnt.h. */
#define FOLDER_TAG_APPEXECLINK 0x8000001bU
#define FOLDER_TAG_AF_UNIX 0x80000023U
#define FOLDER_TAG_LX_BLK 0x80000026U

static wchar_t *folder_wide(const char *path) {
  int n = MultiByteToWideChar(CP_UTF8, 0, path, -1, NULL, 0);
  wchar_t *wide = sqlite3_malloc64(((sqlite3_uint64)n + 1) * sizeof(*wide));

  if (!wide) return NULL;
  wide[0] = 0;
  MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, n);
  return wide;
}

static char *folder_utf8(const wchar_t *wide) {
  int n = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
  char *text = sqlite3_malloc64((sqlite3_uint64)n + 1);

  if (!text) return NULL;
  text[0] = '\0';
  WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, n, NULL, NULL);
  return text;
}

/* Nanoseconds since 1970; times past 2262 are as good as the last one. */
static int64_t folder_nanoseconds(int64_t filetime) {
  int64_t t = filetime - FOLDER_EPOCH;

  if (t > INT64_MAX / 100) return INT64_MAX;
  return t < INT64_MIN / 100 ? INT64_MIN : t * 100;
}

/* The clock as a FILETIME. */
static int64_t folder_clock(void) {
  FILETIME now;

  GetSystemTimePreciseAsFileTime(&now);
  return (int64_t)(((uint64_t)now.dwHighDateTime << 32) | now.dwLowDateTime);
}

/*
** What a file of these attributes is. A reparse point that stands for another
** name (symbolic link, junction) is followed by nobody; one that has contents
** elsewhere (a file of OneDrive, a deduplicated one) is an ordinary file.
*/
static kv_file_kind folder_kind(DWORD attributes, DWORD tag) {
  if (attributes & FILE_ATTRIBUTE_REPARSE_POINT) {
    if (IsReparseTagNameSurrogate(tag) || tag == FOLDER_TAG_APPEXECLINK ||
        (tag >= FOLDER_TAG_AF_UNIX && tag <= FOLDER_TAG_LX_BLK)) {
      return KV_FILE_OTHER;
    }
  }
  if (attributes & FILE_ATTRIBUTE_DEVICE) return KV_FILE_OTHER;
  return attributes & FILE_ATTRIBUTE_DIRECTORY ? KV_FILE_DIRECTORY
                                               : KV_FILE_REGULAR;
}

/* A handle for looking only. flags: FILE_FLAG_OPEN_REPARSE_POINT or 0. */
static HANDLE folder_handle(const wchar_t *path, DWORD flags) {
  return CreateFileW(path, FILE_READ_ATTRIBUTES,
                     FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                     NULL, OPEN_EXISTING, flags | FILE_FLAG_BACKUP_SEMANTICS,
                     NULL);
}

static kv_file_kind folder_examine(HANDLE file, kv_stamp *stamp) {
  BY_HANDLE_FILE_INFORMATION info;
  FILE_ATTRIBUTE_TAG_INFO tag;
  FILE_BASIC_INFO times;
  kv_file_kind kind;

  if (GetFileType(file) != FILE_TYPE_DISK) return KV_FILE_OTHER;
  if (!GetFileInformationByHandle(file, &info) ||
      !GetFileInformationByHandleEx(file, FileBasicInfo, &times,
                                    sizeof(times))) {
    return KV_FILE_UNKNOWN;
  }
  if (!GetFileInformationByHandleEx(file, FileAttributeTagInfo, &tag,
                                    sizeof(tag))) {
    tag.ReparseTag = IO_REPARSE_TAG_SYMLINK; /* be careful */
  }
  kind = folder_kind(info.dwFileAttributes, tag.ReparseTag);
  if (kind != KV_FILE_REGULAR) return kind;
  stamp->inode =
    (int64_t)(((uint64_t)info.nFileIndexHigh << 32) | info.nFileIndexLow);
  stamp->size =
    (int64_t)(((uint64_t)info.nFileSizeHigh << 32) | info.nFileSizeLow);
  stamp->mtime = folder_nanoseconds(times.LastWriteTime.QuadPart);
  stamp->ctime = folder_nanoseconds(times.ChangeTime.QuadPart);
  return kind;
}

kv_file_kind kv_folder_look(const char *path, kv_stamp *stamp) {
  wchar_t *wide = folder_wide(path);
  kv_file_kind kind = KV_FILE_UNKNOWN;
  HANDLE file;

  memset(stamp, 0, sizeof(*stamp));
  if (!wide) return KV_FILE_UNKNOWN;
  file = folder_handle(wide, FILE_FLAG_OPEN_REPARSE_POINT);
  if (file != INVALID_HANDLE_VALUE) {
    kind = folder_examine(file, stamp);
    CloseHandle(file);
  } else {
    switch (GetLastError()) {
      case ERROR_FILE_NOT_FOUND:
      case ERROR_PATH_NOT_FOUND:
      case ERROR_INVALID_NAME:
      case ERROR_BAD_PATHNAME:
      case ERROR_DIRECTORY: kind = KV_FILE_NONE; break;
      default: break;
    }
  }
  sqlite3_free(wide);
  return kind;
}

int kv_folder_is_fresh(const kv_stamp *stamp) {
  int64_t now = folder_nanoseconds(folder_clock());
  int64_t newest = stamp->mtime > stamp->ctime ? stamp->mtime : stamp->ctime;

  return newest > now - (int64_t)2 * 1000000000;
}

/* Make a directory; one that exists is fine. Returns an error of Windows. */
static DWORD folder_make(const wchar_t *path) {
  DWORD error;

  if (CreateDirectoryW(path, NULL)) return ERROR_SUCCESS;
  error = GetLastError();
  if (error == ERROR_ALREADY_EXISTS) return ERROR_SUCCESS;
  /* The root of a drive exists, and making it is forbidden. */
  if (GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES) return ERROR_SUCCESS;
  return error;
}

int kv_folder_make(const char *path) {
  wchar_t *wide = folder_wide(path);
  int rc = wide ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK && folder_make(wide) != 0) rc = SQLITE_CANTOPEN;
  sqlite3_free(wide);
  return rc;
}

/* The folder for temporary files is the user's, and so is what is in it. */
int kv_folder_make_private(const char *path) {
  wchar_t *wide = folder_wide(path);
  int is_made = wide && CreateDirectoryW(wide, NULL);

  sqlite3_free(wide);
  return is_made ? SQLITE_OK : SQLITE_CANTOPEN;
}

int kv_folder_remove(const char *path) {
  wchar_t *wide = folder_wide(path);
  int is_gone = wide && RemoveDirectoryW(wide);

  sqlite3_free(wide);
  return is_gone ? SQLITE_OK : SQLITE_IOERR_DELETE;
}

static int folder_is_held(DWORD error) {
  return error == ERROR_ACCESS_DENIED || error == ERROR_SHARING_VIOLATION ||
         error == ERROR_LOCK_VIOLATION;
}

int kv_folder_rename(const char *from, const char *to) {
  wchar_t *wide_from = folder_wide(from);
  wchar_t *wide_to = folder_wide(to);
  int rc = wide_from && wide_to ? SQLITE_OK : SQLITE_NOMEM;
  int i;

  for (i = 0; rc == SQLITE_OK; i++) {
    if (MoveFileExW(wide_from, wide_to,
                    MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)) {
      break;
    }
    if (i == FOLDER_TRIES || !folder_is_held(GetLastError())) {
      rc = SQLITE_IOERR;
    } else {
      Sleep(FOLDER_WAIT);
    }
  }
  sqlite3_free(wide_from);
  sqlite3_free(wide_to);
  return rc;
}

/* Drop separators at the end, but for that of a drive: C:\ is no C: */
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
  char *text = folder_utf8(path);
  char *z;

  for (z = text; z && *z; z++) {
    if (*z == '\\') *z = '/';
  }
  return text;
}

/* Resolve the part of an absolute path that exists, and keep the rest. */
static char *folder_real(wchar_t *path) {
  HANDLE file = folder_handle(path, 0);
  wchar_t *slash = wcsrchr(path, L'\\');
  char *real = NULL;

  if (file != INVALID_HANDLE_VALUE) {
    wchar_t *final = folder_final(file);
    CloseHandle(file);
    real = folder_plain(final ? final : path);
    sqlite3_free(final);
  } else if (!slash || slash - path < 3) { /* below C:\ or a server's name */
    real = folder_plain(path);
  } else {
    char *rest = folder_plain(slash + 1);
    char *head;

    *slash = 0;
    head = folder_real(path);
    *slash = L'\\';
    if (head && rest) {
      size_t n = strlen(head);
      real =
        sqlite3_mprintf(n && head[n - 1] == '/' ? "%s%s" : "%s/%s", head, rest);
    }
    sqlite3_free(head);
    sqlite3_free(rest);
  }
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
  wchar_t *wide = joined ? folder_wide(joined) : NULL;
  wchar_t *full = wide ? folder_full(wide) : NULL;

  if (full) {
    sqlite3_free(joined);
    joined = folder_plain(full);
  }
  sqlite3_free(full);
  sqlite3_free(wide);
  return joined;
}

static int folder_absolute(const char *path, const char *base, wchar_t **out,
                           char **err) {
  char *joined = folder_join(path, base);
  wchar_t *wide = joined ? folder_wide(joined) : NULL;
  int rc = wide ? SQLITE_OK : SQLITE_NOMEM;

  *out = wide ? folder_full(wide) : NULL;
  if (rc == SQLITE_OK && !*out) {
    rc = kv_error(err, SQLITE_CANTOPEN,
                  "%s cannot be the path of a file or "
                  "folder",
                  joined);
  }
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
  return folder_utf8(wide);
}

static int folder_create(const wchar_t *path, char **err) {
  DWORD error = folder_make(path);
  DWORD attributes = GetFileAttributesW(path);
  char *name = folder_plain(path);
  int rc = SQLITE_OK;

  if (!name) return SQLITE_NOMEM;
  if (error != ERROR_SUCCESS) {
    char *why = folder_message(error);
    rc = kv_error(err, SQLITE_CANTOPEN,
                  error == ERROR_PATH_NOT_FOUND
                    ? "cannot create folder %s: %s; only the last part of a "
                      "path is created, so mount or make the rest"
                    : "cannot create folder %s: %s",
                  name, why ? why : "unknown error");
    sqlite3_free(why);
  } else if (attributes != INVALID_FILE_ATTRIBUTES &&
             !(attributes & FILE_ATTRIBUTE_DIRECTORY)) {
    rc = kv_error(err, SQLITE_CANTOPEN,
                  "%s is not a folder; name the folder that the devices share",
                  name);
  }
  sqlite3_free(name);
  return rc;
}

int kv_folder_resolve(const char *path, const char *base, int create,
                      char **out, char **err) {
  wchar_t *absolute = NULL;
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

int64_t kv_folder_room(const char *path) {
  wchar_t *wide = folder_wide(path);
  wchar_t *slash = wide ? wcsrchr(wide, L'/') : NULL;
  ULARGE_INTEGER room;
  int64_t n = -1;

  if (slash) {
    slash[1] = 0; /* the directory */
    if (GetDiskFreeSpaceExW(wide, &room, NULL, NULL)) {
      n = room.QuadPart > INT64_MAX ? INT64_MAX : (int64_t)room.QuadPart;
    }
  }
  sqlite3_free(wide);
  return n;
}

static int folder_compare_names(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* An entry that is not the directory's own: not "." or "..". */
static int folder_is_dots(const wchar_t *name) {
  return wcscmp(name, L".") == 0 || wcscmp(name, L"..") == 0;
}

/* Append a name, making room. */
static int folder_add_name(char ***names, int *n, int *capacity,
                           const wchar_t *name) {
  if (*n == *capacity) {
    int more = *capacity ? 2 * *capacity : 16;
    char **grown =
      sqlite3_realloc64(*names, (sqlite3_uint64)more * sizeof(**names));
    if (!grown) return SQLITE_NOMEM;
    *names = grown;
    *capacity = more;
  }
  (*names)[*n] = folder_utf8(name);
  if (!(*names)[*n]) return SQLITE_NOMEM;
  ++*n;
  return SQLITE_OK;
}

static HANDLE folder_find(const char *path, WIN32_FIND_DATAW *entry) {
  char *pattern = sqlite3_mprintf("%s/*", path);
  wchar_t *wide = pattern ? folder_wide(pattern) : NULL;
  HANDLE find = INVALID_HANDLE_VALUE;

  if (wide) {
    find = FindFirstFileExW(wide, FindExInfoBasic, entry, FindExSearchNameMatch,
                            NULL, FIND_FIRST_EX_LARGE_FETCH);
  } else {
    SetLastError(ERROR_NOT_ENOUGH_MEMORY);
  }
  sqlite3_free(wide);
  sqlite3_free(pattern);
  return find;
}

static int folder_find_error(DWORD error) {
  switch (error) {
    case ERROR_NO_MORE_FILES:
    case ERROR_FILE_NOT_FOUND: return SQLITE_OK; /* an empty drive */
    case ERROR_NOT_ENOUGH_MEMORY: return SQLITE_NOMEM;
    default: return SQLITE_CANTOPEN;
  }
}

int kv_folder_list(const char *path, int most, int only_directories,
                   char ***out, int *n) {
  WIN32_FIND_DATAW entry;
  HANDLE find = folder_find(path, &entry);
  char **names = NULL;
  int capacity = 0;
  int count = 0;
  int more = find != INVALID_HANDLE_VALUE;
  int rc = more ? SQLITE_OK : folder_find_error(GetLastError());

  while (rc == SQLITE_OK && more && count < most) {
    kv_file_kind kind = folder_kind(entry.dwFileAttributes, entry.dwReserved0);

    if (!folder_is_dots(entry.cFileName) &&
        (!only_directories || kind == KV_FILE_DIRECTORY)) {
      rc = folder_add_name(&names, &count, &capacity, entry.cFileName);
    }
    if (rc == SQLITE_OK) {
      more = FindNextFileW(find, &entry);
      if (!more) rc = folder_find_error(GetLastError());
    }
  }
  if (find != INVALID_HANDLE_VALUE) FindClose(find);
  if (rc != SQLITE_OK) {
    kv_folder_free_names(names, count);
    names = NULL;
    count = 0;
  }
  if (count) qsort(names, (size_t)count, sizeof(*names), folder_compare_names);
  *out = names;
  *n = count;
  return rc;
}

/* An identity is hashed before it is written anywhere. */
void kv_folder_machine(char out[KV_MACHINE_SIZE]) {
  static const char no_id[KV_ID_SIZE] = {0};
  wchar_t wide[64] = {0};
  DWORD size = sizeof(wide) - sizeof(wide[0]);
  DWORD type = REG_NONE;
  char *guid = NULL;
  HKEY key;

  out[0] = '\0';
  if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\Microsoft\\Cryptography", 0,
                    KEY_QUERY_VALUE | KEY_WOW64_64KEY, &key) != ERROR_SUCCESS) {
    return;
  }
  if (RegQueryValueExW(key, L"MachineGuid", NULL, &type, (BYTE *)wide, &size) ==
        ERROR_SUCCESS &&
      type == REG_SZ) {
    guid = folder_utf8(wide);
  }
  RegCloseKey(key);
  if (guid && strlen(guid) >= 16) {
    sqlite3_snprintf(
      KV_MACHINE_SIZE, out, "%016llx",
      (sqlite3_uint64)kv_row_base_sum(guid, strlen(guid), no_id));
  }
  sqlite3_free(guid);
}

int64_t kv_folder_now(void) {
  return (folder_clock() - FOLDER_EPOCH) / 10;
}

int64_t kv_folder_clock(void) {
  return (int64_t)GetTickCount64() * 1000;
}
#else
typedef int kv_folder_windows_is_elsewhere; /* folder.c */
#endif
