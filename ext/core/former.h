/*
** A former incarnation of a device's log: another id that was read, up to
** where, before the log that is read now took the place of it.
**
** A log that is begun anew has another id, so nothing in the new file says
** how far the old one had got. An older copy of it (a backup, a version that
** a sync tool kept) verifies as well as the new one, and would replace it.
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
** Is a file of this log that ends with *last (NULL: it has no row) an older
** copy than what was read since, whose greatest time is newest? Only seq, ts
** and sum of *last are looked at.
**
** Fewer rows than were read of it: it is. As many: nothing is new in it, and
** the log with the later time stays. A row that was not read, be it behind
** those or later than all of them: its device went back to it.
*/
int kv_former_covers(const kv_former *former, const kv_row *last,
                     int64_t newest);

#endif
