-- The latest row of a key up to a time: that in front or that in the back.
SELECT key, op, value, large, ts, device, parent_ts FROM (
  SELECT key, op, value, large, ts, device, parent_ts, seq FROM (
    SELECT key, op, value, large, ts, device, parent_ts, seq FROM {cache}
    WHERE is_old = 0 AND key = :key AND ts <= :as_of
    ORDER BY ts DESC, device DESC, seq DESC LIMIT 1)
  UNION ALL
  SELECT key, op, value, large, ts, device, parent_ts, seq FROM (
    SELECT key, op, value, large, ts, device, parent_ts, seq FROM {cache}
    WHERE is_old = 1 AND bucket = '' AND key = :key AND ts <= :as_of
    ORDER BY ts DESC, device DESC, seq DESC LIMIT 1))
ORDER BY ts DESC, device DESC, seq DESC;
