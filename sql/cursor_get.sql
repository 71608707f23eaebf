-- How far one device's log is merged.
SELECT id, seq, sum, published_seq, published_sum, last_ts, clock_offset,
  synced, stamp, state, detail, waiting_seq, waiting_sum,
  newest
FROM {cursor} WHERE device = :device;
