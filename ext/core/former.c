/*
** A former incarnation of a device's log. See former.h.
**
** Of two whole logs that came in turn nothing but their times can tell which
** is the older one: either may be the copy that a sync tool dug out. These
** are the times by which the latest value of a key is found, later than all
** that the device had seen, and no wall clock's. Where they are wrong
** nevertheless, the next row that the device writes settles it.
*/
#include "former.h"

int kv_former_covers(const kv_former *former, const kv_row *last,
                     int64_t newest) {
  if (!last) return former->seq > 0 || former->newest < newest;
  if (last->ts > former->newest || last->seq > former->seq) return 0;
  if (last->seq < former->seq) return 1;
  return last->sum == former->sum && former->newest < newest;
}
