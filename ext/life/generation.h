/*
** Generations of the own log: a compaction writes the rows that it keeps into a
** sealed file of a new id, and log.db goes on behind them.
**
**     rows ---> log.db.sealed ---rename---> log-ID2-LAST.db
**     log.db: all rows deleted, the new id and a new base, in one transaction
**     log-ID1-*.db: deleted
**
** The new id has the same lineage and a greater generation. Rows keep their
** numbers, so LAST is the number of the old log's last row, even if that row went.
**
** INVARIANT: at each moment the old generation is whole, or the new one. What a crash
** leaves beside it, the next kv_generation_clean() deletes.
*/
#ifndef KV_LIFE_GENERATION_H
#define KV_LIFE_GENERATION_H

#include "log/writer.h"
#include "rows/rows.h"

/*
** Give the own log a new generation. `log` is locked, and nothing was appended.
** `rows` hands over the rows that stay, about n, in their order: `seq` as it was, `txn`
** the last row of its transaction that stays; all other columns as they were, of
** every op. Sums are made here. `horizon` is the time before which history is given
** up; if the log's own is later, that stays. If rows->next() ends because of an
** error, the caller makes it known: *rows_rc, which is looked at when the rows have
** ended, and if it is not SQLITE_OK, nothing is changed and it is returned.
**
** On success the new generation is durable, and `log` has its head. In any case the
** log has to be closed then. The cache still knows the old generation: the next lock
** (own/catch_up.h) takes the new one over, as if another process had made it. If the
** call fails, the log is as it was; or, if not even that can be told, as the next
** lock finds it. place->head and place->file are not used. Errors: as for
** kv_writer_lock(); KV_REFUSED: a row or its place is wrong; KV_DAMAGED: what was
** written does not verify; SQLITE_FULL: it is the last generation.
*/
int kv_generation_write(kv_writer *log, const kv_writer_place *place,
                        int64_t horizon, kv_rows *rows, int64_t n,
                        const int *rows_rc, char **err);

/*
** The id of the generation behind `id`, `step` further: 1 or more. 0: there is none, and
** `out` is as it was.
*/
int kv_generation_next(const unsigned char *id, uint32_t step,
                       unsigned char out[KV_ID_SIZE]);

/*
** Delete the sealed files of other generations of the log, which is locked: what a
** compaction that was cut off left, of the new generation or of the old one; and a
** file that was to become a sealed one.
** A file of a greater generation has to be one that was made of this log: if the log
** does not have the position that it took the place of, log.db was rolled back. Then
** *is_rolled_back is 1, and nothing is deleted. With is_ahead that is not asked: the
** log was just made anew, from a cache that knew more than log.db.
*/
int kv_generation_clean(kv_writer *log, const kv_writer_place *place,
                        int is_ahead, int *is_rolled_back);

#endif
