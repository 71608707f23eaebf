/*
** What would be on the disk if the power failed now.
**
** A model of the files below a folder, kept beside the real ones: for each
** the bytes as of its last xSync, and the writes and truncations since; for
** each directory the names as of its last fsync. After a loss of power any
** subset of what came later is there: writes whole, lost, or torn at sectors
** of 512 bytes, of which some hold neither old nor new bytes; a file whose
** name was not made durable is there or not, as is one whose deletion was
** not.
**
** The name of a journal becomes durable with its first xSync, as the unix
** VFS has it.
*/
#ifndef FAULT_VFS_POWER_H
#define FAULT_VFS_POWER_H

#include "vfs_fault.h"
#include "vfs_image.h"

/* All that is in the folder is durable. It follows fault_watch(). */
void power_begin(const char *folder);

/* To be called after each operation. */
void power_follow(const fault_event *event);

/* How many writes and names are not durable. */
int power_unsettled(void);

/*
** What the loss of power leaves, for image_free(). seed 0: nothing that was
** not synced; 1: all of it, but the last write torn; others: at random.
*/
void power_lose(unsigned seed, image *out);

void power_end(void);

#endif
