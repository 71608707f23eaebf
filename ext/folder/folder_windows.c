/*
** The shared folder on Windows. See folder.h.
**
** A look opens a file for its attributes alone, which conflicts with no sharing
** mode and no lock. What a path is, is in paths_windows.c.
*/
#ifdef _WIN32
#include "folder_windows.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

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

wchar_t *kv_windows_wide(const char *path) {
  int n = MultiByteToWideChar(CP_UTF8, 0, path, -1, NULL, 0);
  wchar_t *wide = sqlite3_malloc64(((sqlite3_uint64)n + 1) * sizeof(*wide));

  if (!wide) return NULL;
  wide[0] = 0;
  MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, n);
  return wide;
}

char *kv_windows_utf8(const wchar_t *wide) {
  int n = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
  char *text = sqlite3_malloc64((sqlite3_uint64)n + 1);

  if (!text) return NULL;
  text[0] = '\0';
  WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, n, NULL, NULL);
  return text;
}

/* From here on a path is long: a folder's may have 247 characters. */
#define FOLDER_LONG 240

wchar_t *kv_windows_name(const char *path) {
  static const char share[] = "\\\\?\\UNC\\";
  static const char drive[] = "\\\\?\\";
  int is_share = path[0] == '/' && path[1] == '/';
  char *name;
  char *z;
  wchar_t *wide;

  if (strlen(path) < FOLDER_LONG || !(is_share || path[1] == ':')) {
    return kv_windows_wide(path);
  }
  name = is_share ? sqlite3_mprintf("%s%s", share, path + 2)
                  : sqlite3_mprintf("%s%s", drive, path);
  for (z = name; z && *z; z++) {
    if (*z == '/') *z = '\\'; /* only these separate behind the prefix */
  }
  wide = name ? kv_windows_wide(name) : NULL;
  sqlite3_free(name);
  return wide;
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

HANDLE kv_windows_handle(const wchar_t *path, DWORD flags) {
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
  wchar_t *wide = kv_windows_name(path);
  kv_file_kind kind = KV_FILE_UNKNOWN;
  HANDLE file;

  memset(stamp, 0, sizeof(*stamp));
  if (!wide) return KV_FILE_UNKNOWN;
  file = kv_windows_handle(wide, FILE_FLAG_OPEN_REPARSE_POINT);
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

/* There is no system call for a path below an open directory: its path. */
struct kv_directory {
  char *path;
};

int kv_folder_open(const char *path, kv_directory **out) {
  kv_stamp stamp;

  *out = NULL;
  if (kv_folder_look(path, &stamp) != KV_FILE_DIRECTORY) return SQLITE_CANTOPEN;
  *out = sqlite3_malloc64(sizeof(**out));
  if (!*out) return SQLITE_NOMEM;
  (*out)->path = kv_strdup(path);
  if ((*out)->path) return SQLITE_OK;
  kv_folder_close(*out);
  *out = NULL;
  return SQLITE_NOMEM;
}

kv_file_kind kv_folder_look_in(const kv_directory *directory, const char *path,
                               kv_stamp *stamp) {
  char *whole = sqlite3_mprintf("%s/%s", directory->path, path);
  kv_file_kind kind = KV_FILE_UNKNOWN;

  memset(stamp, 0, sizeof(*stamp));
  if (whole) kind = kv_folder_look(whole, stamp);
  sqlite3_free(whole);
  return kind;
}

void kv_folder_close(kv_directory *directory) {
  if (directory) sqlite3_free(directory->path);
  sqlite3_free(directory);
}

int kv_folder_is_fresh(const kv_stamp *stamp) {
  int64_t now = folder_nanoseconds(folder_clock());

  return kv_stamp_newest(stamp) > now - KV_STAMP_TICK;
}

DWORD kv_windows_make(const wchar_t *path) {
  DWORD error;

  if (CreateDirectoryW(path, NULL)) return ERROR_SUCCESS;
  error = GetLastError();
  if (error == ERROR_ALREADY_EXISTS) return ERROR_SUCCESS;
  /* The root of a drive exists, and making it is forbidden. */
  if (GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES) return ERROR_SUCCESS;
  return error;
}

int kv_folder_make(const char *path) {
  wchar_t *wide = kv_windows_name(path);
  int rc = wide ? SQLITE_OK : SQLITE_NOMEM;

  if (rc == SQLITE_OK && kv_windows_make(wide) != 0) rc = SQLITE_CANTOPEN;
  sqlite3_free(wide);
  return rc;
}

void kv_folder_touch(const char *path) {
  wchar_t *wide = kv_windows_name(path);
  HANDLE file = INVALID_HANDLE_VALUE;
  FILETIME now;

  if (wide) {
    file = CreateFileW(wide, FILE_WRITE_ATTRIBUTES,
                       FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                       NULL, OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT, NULL);
  }
  if (file != INVALID_HANDLE_VALUE) {
    GetSystemTimePreciseAsFileTime(&now);
    SetFileTime(file, NULL, NULL, &now);
    CloseHandle(file);
  }
  sqlite3_free(wide);
}

/* The folder for temporary files is the user's, and so is what is in it. */
int kv_folder_make_private(const char *path) {
  wchar_t *wide = kv_windows_name(path);
  int is_made = wide && CreateDirectoryW(wide, NULL);

  sqlite3_free(wide);
  return is_made ? SQLITE_OK : SQLITE_CANTOPEN;
}

int kv_folder_remove(const char *path) {
  wchar_t *wide = kv_windows_name(path);
  int is_gone = wide && RemoveDirectoryW(wide);

  sqlite3_free(wide);
  return is_gone ? SQLITE_OK : SQLITE_IOERR_DELETE;
}

static int folder_is_held(DWORD error) {
  return error == ERROR_ACCESS_DENIED || error == ERROR_SHARING_VIOLATION ||
         error == ERROR_LOCK_VIOLATION;
}

int kv_folder_rename(const char *from, const char *to) {
  wchar_t *wide_from = kv_windows_name(from);
  wchar_t *wide_to = kv_windows_name(to);
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

int64_t kv_folder_room(const char *path) {
  const char *slash = strrchr(path, '/');
  char *folder =
    slash ? sqlite3_mprintf("%.*s", (int)(slash + 1 - path), path) : NULL;
  wchar_t *name = folder ? kv_windows_name(folder) : NULL;
  ULARGE_INTEGER room;
  int64_t n = -1;

  if (name && GetDiskFreeSpaceExW(name, &room, NULL, NULL)) {
    n = room.QuadPart > INT64_MAX ? INT64_MAX : (int64_t)room.QuadPart;
  }
  sqlite3_free(name);
  sqlite3_free(folder);
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
  (*names)[*n] = kv_windows_utf8(name);
  if (!(*names)[*n]) return SQLITE_NOMEM;
  ++*n;
  return SQLITE_OK;
}

/* In a long path, two slashes are not one. */
static HANDLE folder_find(const char *path, WIN32_FIND_DATAW *entry) {
  size_t n = strlen(path);
  int has_slash = n > 0 && path[n - 1] == '/';
  char *pattern = sqlite3_mprintf(has_slash ? "%s*" : "%s/*", path);
  wchar_t *wide = pattern ? kv_windows_name(pattern) : NULL;
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

int kv_folder_each(const char *path, kv_folder_take *take, void *to) {
  WIN32_FIND_DATAW entry;
  HANDLE find = folder_find(path, &entry);
  int more = find != INVALID_HANDLE_VALUE;
  int rc = more ? SQLITE_OK : folder_find_error(GetLastError());

  while (rc == SQLITE_OK && more) {
    if (!folder_is_dots(entry.cFileName)) {
      char *name = kv_windows_utf8(entry.cFileName);

      rc = name ? take(to, name) : SQLITE_NOMEM;
      sqlite3_free(name);
    }
    if (rc == SQLITE_OK) {
      more = FindNextFileW(find, &entry);
      if (!more) rc = folder_find_error(GetLastError());
    }
  }
  if (find != INVALID_HANDLE_VALUE) FindClose(find);
  return rc;
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
    guid = kv_windows_utf8(wide);
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
