/*
** What would be on the disk if the power failed now.
**
** A model of the files below a folder, kept beside the real ones: for each the
** bytes as of its last xSync, and the writes and truncations since; for each
** directory the names as of its last fsync. After a loss of power any subset of
** what came later survives: writes are whole, lost, or torn at sectors of 512
** bytes, some of which hold neither old nor new bytes. A file whose name was
** not made durable may exist or not, and so may one whose deletion was not.
**
** The name of a journal becomes durable with its first xSync, as in the unix
** VFS.
*/
#ifndef FAULT_VFS_POWER_H
#define FAULT_VFS_POWER_H

#include "vfs_fault.h"
#include "vfs_image.h"

/* Everything in the folder is durable now. Call it after fault_watch(). */
void power_begin(const char *folder);

/* Call it after each operation. */
void power_follow(const fault_event *event);

/* How many writes and names are not durable. */
int power_unsettled(void);

/*
** What the loss of power leaves, for image_free(). seed 0: nothing that was not
** synced; 1: everything, with the last write torn; others: random.
*/
void power_lose(unsigned seed, image *out);

void power_end(void);

#endif
