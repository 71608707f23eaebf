-- Are all tables of the cache there, with all their columns? It reads no row, as
-- nothing is bound.
SELECT
  (SELECT epoch OR machine OR is_indexed OR swept_arrival OR swept_rows OR n_front
     OR id
   FROM {meta} WHERE format = :none),
  (SELECT key OR ts OR device OR seq OR bucket OR txn OR parent_ts OR op OR arrived
     OR large OR value
   FROM {cache} WHERE is_old = :none),
  (SELECT id OR seq OR sum OR published_seq OR published_sum OR waiting_seq
     OR waiting_sum OR last_ts OR newest OR clock_offset OR synced OR stamp
     OR state OR detail
   FROM {cursor} WHERE device = :none),
  (SELECT peer OR seq OR txn OR ts OR peer_id OR peer_seq OR peer_sum
   FROM {seen} WHERE device = :none),
  (SELECT device OR first_seq OR last_seq OR first_ts OR last_ts
   FROM {arrival} WHERE arrived = :none),
  (SELECT id OR seq OR sum OR newest OR n FROM {former} WHERE device = :none),
  (SELECT is_text OR n_bytes OR bytes FROM {large} WHERE part = :none);
