/*
** Folder trees in memory. See vfs_image.h.
**
** An error here is not a finding: the process ends.
*/
#define _GNU_SOURCE
#include "vfs_image.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void image_need(int condition, const char *what) {
  if (condition) return;
  perror(what);
  _exit(3);
}

static char *image_join(const char *folder, const char *name) {
  char *out = NULL;

  if (!folder[0]) {
    out = strdup(name);
  } else if (asprintf(&out, "%s/%s", folder, name) < 0) {
    out = NULL;
  }
  image_need(out != NULL, "memory");
  return out;
}

char *image_make_folder(void) {
  const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  char *path = image_join(base, "kv-fault.XXXXXX");
  char *real;

  image_need(mkdtemp(path) != NULL, path);
  real = realpath(path, NULL);
  image_need(real != NULL, path);
  free(path);
  return real;
}

static unsigned char *image_read(const char *path, size_t n) {
  unsigned char *bytes = malloc(n + 1);
  int fd = open(path, O_RDONLY);

  image_need(bytes && fd >= 0 && read(fd, bytes, n) == (ssize_t)n, path);
  close(fd);
  return bytes;
}

void image_add(image *im, const char *path, unsigned char *bytes, size_t n) {
  im->entries = realloc(im->entries, sizeof(image_entry) * (size_t)(im->n + 1));
  image_need(im->entries != NULL, "memory");
  im->entries[im->n].path = strdup(path);
  im->entries[im->n].bytes = bytes;
  im->entries[im->n++].n = n;
}

static void image_load_below(image *im, const char *folder, const char *below) {
  char *path = below[0] ? image_join(folder, below) : strdup(folder);
  DIR *dir = opendir(path);
  struct dirent *entry;

  image_need(dir != NULL, path);
  while ((entry = readdir(dir)) != NULL) {
    char *name;
    char *child;
    struct stat st;

    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
      continue;
    }
    name = image_join(below, entry->d_name);
    child = image_join(folder, name);
    image_need(stat(child, &st) == 0, child);
    if (S_ISDIR(st.st_mode)) {
      image_add(im, name, NULL, 0);
      image_load_below(im, folder, name);
    } else {
      image_add(im, name, image_read(child, (size_t)st.st_size),
                (size_t)st.st_size);
    }
    free(child);
    free(name);
  }
  closedir(dir);
  free(path);
}

static uint64_t image_hash_bytes(uint64_t hash, const void *bytes, size_t n) {
  const unsigned char *at = bytes;
  size_t i;

  for (i = 0; i < n; i++) { /* FNV-1a */
    hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
  }
  return hash;
}

uint64_t image_hash(const image *im, uint64_t seed) {
  uint64_t hash = seed ^ UINT64_C(0xcbf29ce484222325);
  int i;

  for (i = 0; i < im->n; i++) {
    const image_entry *entry = &im->entries[i];

    hash = image_hash_bytes(hash, entry->path, strlen(entry->path) + 1);
    hash = image_hash_bytes(hash, &entry->n, sizeof(entry->n));
    if (entry->bytes) hash = image_hash_bytes(hash, entry->bytes, entry->n);
  }
  return hash;
}

void image_load(image *out, const char *folder) {
  memset(out, 0, sizeof(*out));
  image_load_below(out, folder, "");
}

void image_free(image *im) {
  int i;

  for (i = 0; i < im->n; i++) {
    free(im->entries[i].path);
    free(im->entries[i].bytes);
  }
  free(im->entries);
  memset(im, 0, sizeof(*im));
}

void image_remove(const char *folder, int whole) {
  DIR *dir = opendir(folder);
  struct dirent *entry;

  image_need(dir != NULL, folder);
  while ((entry = readdir(dir)) != NULL) {
    char *child;

    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
      continue;
    }
    child = image_join(folder, entry->d_name);
    if (entry->d_type == DT_DIR) {
      image_remove(child, 1);
    } else {
      image_need(unlink(child) == 0, child);
    }
    free(child);
  }
  closedir(dir);
  if (whole) image_need(rmdir(folder) == 0, folder);
}

void image_write(const char *path, const void *bytes, size_t n) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

  image_need(fd >= 0 && write(fd, bytes, n) == (ssize_t)n, path);
  close(fd);
}

void image_lay_out(const image *im, const char *folder) {
  int i;

  image_remove(folder, 0);
  for (i = 0; i < im->n; i++) {
    char *path = image_join(folder, im->entries[i].path);

    if (im->entries[i].bytes) {
      image_write(path, im->entries[i].bytes, im->entries[i].n);
    } else {
      image_need(mkdir(path, 0777) == 0, path);
    }
    free(path);
  }
}
