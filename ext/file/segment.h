/*
** The names of the sealed files of a log: log-ID-LAST.db, with the log's id in
** hexadecimal digits and the number of the file's last row in 19 decimal ones.
** The names of one log sort as its files follow each other.
*/
#ifndef KV_FILE_SEGMENT_H
#define KV_FILE_SEGMENT_H

#include <stdint.h>

#include "core/row.h"

/* Bytes of such a name with its final NUL. */
#define KV_SEGMENT_NAME_SIZE 60

/* The name of the file of the log `id` that ends with row `last`. */
void kv_segment_name(const unsigned char *id, int64_t last,
                     char out[KV_SEGMENT_NAME_SIZE]);

/* True if it is the name of a sealed file; then *id and *last are set. */
int kv_segment_read(const char *name, unsigned char id[KV_ID_SIZE],
                    int64_t *last);

/* True if it is the name of a file of this log; then *last is set. */
int kv_segment_is(const char *name, const unsigned char *id, int64_t *last);

#endif
