/*
** A former incarnation of a device's log: its id, and how far it was read
** before the current log replaced it.
**
** A log that starts over has a new id, so the new file does not say how far
** the old one had got. An older copy of the old log (a backup, a version that
** a sync tool kept) verifies as well as the new one does, and would replace it.
*/
#ifndef KV_CORE_FORMER_H
#define KV_CORE_FORMER_H

#include "row.h"

typedef struct kv_former {
  int64_t seq; /* the last row that was read of it */
  int64_t sum;
  int64_t newest; /* greatest time of any row; -1: none */
} kv_former;

/*
** True if a file of this log that ends with *last (NULL: it has no rows) is
** older than what was read since, whose greatest time is `newest`. Uses only
** seq, ts and sum of *last.
**
** If the file has fewer rows than were read of it, it is older. If it has as
** many, nothing in it is new, and the log with the later time stays. If it has
** a row that was not read, after those or later than all of them, its device
** went back to it.
*/
int kv_former_covers(const kv_former *former, const kv_row *last,
                     int64_t newest);

#endif
