-- Another log takes the place of this one.
INSERT OR REPLACE INTO {former}(device, id, seq, sum, newest, n)
VALUES(:device, :id, :seq, :sum, :newest,
  (SELECT coalesce(max(n), 0) + 1 FROM {former} WHERE device = :device));
