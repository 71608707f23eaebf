/*
** Runs a fuzz target on the files of the folders that are its arguments, for
** compilers without libFuzzer.
*/
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path) {
  static uint8_t bytes[1 << 20];
  FILE *f = fopen(path, "rb");
  size_t n;

  if (!f) return 0;
  n = fread(bytes, 1, sizeof(bytes), f);
  fclose(f);
  LLVMFuzzerTestOneInput(bytes, n);
  return 1;
}

static int replay_folder(const char *folder) {
  DIR *dir = opendir(folder);
  struct dirent *entry;
  char path[4096];
  int n = 0;

  while (dir && (entry = readdir(dir)) != NULL) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
    n += replay_file(path);
  }
  if (dir) closedir(dir);
  return n;
}

int main(int argc, char **argv) {
  int n = 0;
  int i;

  LLVMFuzzerInitialize(&argc, &argv);
  for (i = 1; i < argc; i++)
    n += replay_folder(argv[i]);
  printf("%d inputs\n", n);
  return n == 0;
}
