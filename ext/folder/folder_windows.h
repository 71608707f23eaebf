/*
** What the files for Windows share: text in UTF-16, and looking at files.
**
** Paths are UTF-8 with forward slashes outside of these files, so that the code
** above knows one separator, and UTF-16 inside.
*/
#ifndef KV_FOLDER_FOLDER_WINDOWS_H
#define KV_FOLDER_FOLDER_WINDOWS_H
#ifdef _WIN32

#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0602 /* Windows 8: GetSystemTimePreciseAsFileTime() */
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

#include "folder.h"

/* The same text, for sqlite3_free(); NULL if there is no memory. */
wchar_t *kv_windows_wide(const char *path);
char *kv_windows_utf8(const wchar_t *wide);

/*
** What Windows is to open for an absolute path, for sqlite3_free(). A long one
** gets the prefix that lifts the limit of 260 characters.
** https://learn.microsoft.com/windows/win32/fileio/maximum-file-path-limitation
*/
wchar_t *kv_windows_name(const char *path);

/* A handle for looking only. flags: FILE_FLAG_OPEN_REPARSE_POINT or 0. */
HANDLE kv_windows_handle(const wchar_t *path, DWORD flags);

/* Make a directory; one that exists is fine. Returns an error of Windows. */
DWORD kv_windows_make(const wchar_t *path);

#endif
#endif
