/*
** For binaries that also run on systems older than the one that makes them.
**
** stat(), lstat() and fstatat() became symbols of glibc in 2.33. Older programs
** call __xstat64(), __lxstat64() and __fxstatat64(), which every glibc still has
** for them, and so do binaries that are linked with this file and --wrap=stat64
** --wrap=lstat64 --wrap=fstatat64.
*/
#define _GNU_SOURCE
#include <sys/stat.h>

#if defined(__x86_64__)
#define OLD_GLIBC "GLIBC_2.2.5"
#define OLD_GLIBC_AT "GLIBC_2.4"
#define OLD_GLIBC_STAT 1 /* the layout of struct stat64: _STAT_VER */
#elif defined(__aarch64__)
#define OLD_GLIBC "GLIBC_2.17"
#define OLD_GLIBC_AT OLD_GLIBC
#define OLD_GLIBC_STAT 0
#else
#error "not known: the oldest __lxstat64() of glibc on this processor"
#endif

__asm__(".symver old_glibc_stat,__xstat64@" OLD_GLIBC);
__asm__(".symver old_glibc_lstat,__lxstat64@" OLD_GLIBC);
__asm__(".symver old_glibc_fstatat,__fxstatat64@" OLD_GLIBC_AT);
int old_glibc_stat(int layout, const char *path, struct stat64 *out);
int old_glibc_lstat(int layout, const char *path, struct stat64 *out);
int old_glibc_fstatat(int layout, int directory, const char *path,
                      struct stat64 *out, int flags);

int __wrap_stat64(const char *path, struct stat64 *out);
int __wrap_lstat64(const char *path, struct stat64 *out);
int __wrap_fstatat64(int directory, const char *path, struct stat64 *out,
                     int flags);

int __wrap_stat64(const char *path, struct stat64 *out) {
  return old_glibc_stat(OLD_GLIBC_STAT, path, out);
}

int __wrap_lstat64(const char *path, struct stat64 *out) {
  return old_glibc_lstat(OLD_GLIBC_STAT, path, out);
}

int __wrap_fstatat64(int directory, const char *path, struct stat64 *out,
                     int flags) {
  return old_glibc_fstatat(OLD_GLIBC_STAT, directory, path, out, flags);
}
