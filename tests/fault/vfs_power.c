/*
** A loss of power. See vfs_power.h.
*/
#define _GNU_SOURCE
#include "vfs_power.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512

/* A write, or a truncation if bytes is NULL. */
typedef struct power_change {
  struct power_change *next;
  unsigned char *bytes;
  size_t at;
  size_t n;
} power_change;

/* A file, under any name, or a directory. */
typedef struct power_file {
  struct power_file *all; /* the one created before it */
  int is_folder;
  unsigned char *bytes; /* as of its last sync */
  size_t n;
  power_change *first;
  power_change **end;
  int n_changes;
} power_file;

/* A name, and what it stands for now and after a loss of power. */
typedef struct power_name {
  struct power_name *next; /* in the order of paths */
  char *path;              /* below the folder */
  power_file *now;
  power_file *durable;
  unsigned change; /* names that one call changed stay together */
} power_name;

static struct {
  char folder[500];
  power_file *files;
  power_name *names;
  unsigned n_changes;
} power;

static power_file *power_new_file(int is_folder) {
  power_file *file = calloc(1, sizeof(*file));

  file->is_folder = is_folder;
  file->end = &file->first;
  file->all = power.files;
  power.files = file;
  return file;
}

static power_name *power_find(const char *path) {
  power_name **link = &power.names;
  power_name *name;

  while (*link && strcmp((*link)->path, path) < 0)
    link = &(*link)->next;
  if (*link && strcmp((*link)->path, path) == 0) return *link;
  name = calloc(1, sizeof(*name));
  name->path = strdup(path);
  name->next = *link;
  *link = name;
  return name;
}

/* The name of a path below the folder, else NULL. */
static power_name *power_name_of(const char *path) {
  size_t n = strlen(power.folder);

  if (!path || strncmp(path, power.folder, n) != 0 || path[n] != '/') {
    return NULL;
  }
  return power_find(path + n + 1);
}

static void power_forget_changes(power_file *file) {
  while (file->first) {
    power_change *change = file->first;

    file->first = change->next;
    free(change->bytes);
    free(change);
  }
  file->end = &file->first;
  file->n_changes = 0;
}

static void power_add_change(power_file *file, const fault_event *event) {
  power_change *change = calloc(1, sizeof(*change));

  change->at = (size_t)event->at;
  change->n = (size_t)event->n;
  if (event->kind == FAULT_WRITE) {
    change->bytes = malloc(change->n + 1);
    memcpy(change->bytes, event->bytes, change->n);
  }
  *file->end = change;
  file->end = &change->next;
  file->n_changes++;
}

static void power_resize(unsigned char **bytes, size_t *n, size_t new_n) {
  *bytes = realloc(*bytes, new_n + 1);
  if (new_n > *n) memset(*bytes + *n, 0, new_n - *n);
  *n = new_n;
}

static uint64_t power_random(uint64_t *state) {
  uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* Part of a write reaches the disk: each sector is old, new or neither. */
static void power_tear(const power_change *change, unsigned char *bytes,
                       uint64_t *random) {
  size_t at = change->at;
  size_t end = change->at + change->n;

  while (at < end) {
    size_t next = (at / SECTOR + 1) * SECTOR;
    unsigned fate = (unsigned)(power_random(random) % 8);

    if (next > end) next = end;
    if (fate < 4) {
      memcpy(bytes + at, change->bytes + (at - change->at), next - at);
    } else if (fate == 4) {
      memset(bytes + at, (int)(power_random(random) & 0xff), next - at);
    }
    at = next;
  }
}

enum { POWER_LOST, POWER_KEPT, POWER_TORN };

static void power_apply(const power_change *change, int fate,
                        unsigned char **bytes, size_t *n, uint64_t *random) {
  size_t end = change->at + change->n;

  if (fate == POWER_LOST) return;
  if (!change->bytes) {
    power_resize(bytes, n, change->n);
    return;
  }
  if (end > *n) power_resize(bytes, n, end);
  if (fate == POWER_KEPT) {
    memcpy(*bytes + change->at, change->bytes, change->n);
  } else {
    power_tear(change, *bytes, random);
  }
}

/* All of it is on the disk. */
static void power_settle(power_file *file) {
  power_change *change;

  for (change = file->first; change; change = change->next) {
    power_apply(change, POWER_KEPT, &file->bytes, &file->n, NULL);
  }
  power_forget_changes(file);
}

static void power_settle_names(const char *folder) {
  size_t n = strlen(folder);
  power_name *name;

  for (name = power.names; name; name = name->next) {
    const char *slash = strrchr(name->path, '/');
    size_t parent = slash ? (size_t)(slash - name->path) : 0;

    if (parent == n && strncmp(name->path, folder, n) == 0) {
      name->durable = name->now;
    }
  }
}

static void power_settle_parent(const power_name *name) {
  char parent[500];
  char *slash;

  snprintf(parent, sizeof(parent), "%s", name->path);
  slash = strrchr(parent, '/');
  if (slash) *slash = '\0';
  power_settle_names(slash ? parent : "");
}

void power_begin(const char *folder) {
  image im;
  int i;

  power_end();
  snprintf(power.folder, sizeof(power.folder), "%s", folder);
  image_load(&im, folder);
  for (i = 0; i < im.n; i++) {
    power_name *name = power_find(im.entries[i].path);
    power_file *file = power_new_file(!im.entries[i].bytes);

    file->bytes = im.entries[i].bytes;
    file->n = im.entries[i].n;
    im.entries[i].bytes = NULL;
    name->now = name->durable = file;
  }
  image_free(&im);
}

void power_end(void) {
  while (power.files) {
    power_file *file = power.files;

    power.files = file->all;
    power_forget_changes(file);
    free(file->bytes);
    free(file);
  }
  while (power.names) {
    power_name *name = power.names;

    power.names = name->next;
    free(name->path);
    free(name);
  }
  memset(&power, 0, sizeof(power));
}

static void power_set_name(power_name *name, power_file *file,
                           unsigned change) {
  name->now = file;
  name->change = change;
}

static void power_follow_open(power_name *name, const fault_event *event) {
  struct stat st;

  if (name->now || stat(event->path, &st) != 0) return;
  power_set_name(name, power_new_file(0), ++power.n_changes);
}

void power_follow(const fault_event *event) {
  power_name *name = power_name_of(event->path);
  power_name *to = power_name_of(event->to);

  if (event->kind == FAULT_SYNC_FOLDER && event->path &&
      strcmp(event->path, power.folder) == 0) {
    power_settle_names("");
  }
  if (!name) return;
  switch (event->kind) {
    case FAULT_OPEN: power_follow_open(name, event); break;
    case FAULT_WRITE:
    case FAULT_TRUNCATE:
      if (name->now) power_add_change(name->now, event);
      break;
    case FAULT_SYNC:
      if (name->now) power_settle(name->now);
      if (event->syncs_folder) power_settle_parent(name);
      break;
    case FAULT_DELETE:
      power_set_name(name, NULL, ++power.n_changes);
      if (event->flags) power_settle_parent(name);
      break;
    case FAULT_MAKE:
      power_set_name(name, power_new_file(1), ++power.n_changes);
      break;
    case FAULT_RENAME:
      if (to) power_set_name(to, name->now, ++power.n_changes);
      power_set_name(name, NULL, power.n_changes);
      break;
    case FAULT_SYNC_FOLDER: power_settle_names(name->path); break;
    default: break;
  }
}

int power_unsettled(void) {
  const power_name *name;
  int n = 0;

  for (name = power.names; name; name = name->next) {
    if (name->now != name->durable) n++;
    if (name->now) n += name->now->n_changes;
    if (name->durable && name->durable != name->now) {
      n += name->durable->n_changes;
    }
  }
  return n;
}

/* What becomes of a write, in this kind of loss of power. */
static int power_fate(unsigned seed, const power_change *change,
                      uint64_t *random) {
  unsigned dice = (unsigned)(power_random(random) % 100);
  unsigned lost = 10 + 40 * (seed % 3);

  if (seed == 0) return POWER_LOST;
  if (seed == 1) return change->next ? POWER_KEPT : POWER_TORN;
  if (dice < lost) return POWER_LOST;
  return seed % 2 && change->bytes && dice < lost + 25 ? POWER_TORN
                                                       : POWER_KEPT;
}

static void power_lose_file(const power_file *file, unsigned seed,
                            uint64_t *random, const char *path, image *out) {
  unsigned char *bytes = malloc(file->n + 1);
  size_t n = file->n;
  const power_change *change;

  if (n) memcpy(bytes, file->bytes, n);
  for (change = file->first; change; change = change->next) {
    power_apply(change, power_fate(seed, change, random), &bytes, &n, random);
  }
  image_add(out, path, bytes, n);
}

/* Does the directory of this path exist? Directories come first. */
static int power_has_parent(const image *im, const char *path) {
  const char *slash = strrchr(path, '/');
  size_t n = slash ? (size_t)(slash - path) : 0;
  int i;

  for (i = 0; slash && i < im->n; i++) {
    const char *other = im->entries[i].path;
    if (strlen(other) == n && memcmp(other, path, n) == 0) return 1;
  }
  return !slash;
}

void power_lose(unsigned seed, image *out) {
  const power_name *name;
  uint64_t random = seed;

  memset(out, 0, sizeof(*out));
  for (name = power.names; name; name = name->next) {
    uint64_t choice = (uint64_t)seed << 32 | name->change;
    int is_now = seed == 0   ? 0
                 : seed == 1 ? 1
                             : (int)(power_random(&choice) & 1);
    const power_file *file = is_now ? name->now : name->durable;

    if (!file || !power_has_parent(out, name->path)) continue;
    if (file->is_folder) {
      image_add(out, name->path, NULL, 0);
    } else {
      power_lose_file(file, seed, &random, name->path, out);
    }
  }
}
