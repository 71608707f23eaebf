-- Remember how far a device's log is merged.
INSERT OR REPLACE INTO {cursor}
  (device, id, seq, sum, published_seq, published_sum, last_ts, clock_offset,
   synced, stamp, state, detail, waiting_seq, waiting_sum,
   newest)
VALUES(:device, :id, :seq, :sum, :published_seq, :published_sum, :last_ts,
  :clock_offset, :synced, :stamp, :state, :detail, :waiting_seq, :waiting_sum,
  :newest);
