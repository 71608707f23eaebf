/*
** A small folder tree in memory, to be written to disk again and again.
*/
#ifndef FAULT_VFS_IMAGE_H
#define FAULT_VFS_IMAGE_H

#include <stddef.h>
#include <stdint.h>

typedef struct image_entry {
  char *path;           /* below the folder */
  unsigned char *bytes; /* NULL: a directory */
  size_t n;
} image_entry;

typedef struct image {
  image_entry *entries; /* a directory comes before its content */
  int n;
} image;

/* A new, empty folder in memory if the system has one; for free(). */
char *image_make_folder(void);

void image_load(image *out, const char *folder);
void image_free(image *im);

/* Add an entry: path is copied, bytes are taken. */
void image_add(image *im, const char *path, unsigned char *bytes, size_t n);

/* A hash: it differs if images differ. */
uint64_t image_hash(const image *im, uint64_t seed);

/* Make the folder contain this and nothing else. */
void image_lay_out(const image *im, const char *folder);

/* Remove what is in the folder, and the folder itself if `whole`. */
void image_remove(const char *folder, int whole);

/* Write one file; its folders must exist. */
void image_write(const char *path, const void *bytes, size_t n);

#endif
