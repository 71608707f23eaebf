-- What a device says that it merged last of a peer's log.
SELECT peer_id, peer_seq, peer_sum FROM {seen}
WHERE device = :device AND peer = :peer ORDER BY seq DESC LIMIT 1;
