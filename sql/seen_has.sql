-- Is this seen row of a device in the cache?
SELECT 1 FROM {seen}
WHERE device = :device AND seq = :seq AND ts = :ts AND peer = :bucket
  AND peer_id = :key AND peer_seq = :value;
