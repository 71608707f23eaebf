/*
** A former incarnation of a device's log. See former.h.
**
** Of two intact logs that were read in turn, only the times in them show which
** one is older: either may be a copy that a sync tool restored. These are not
** wall clock times but those that decide which value of a key is the latest;
** each is later than all that the device had seen. If they are wrong
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
