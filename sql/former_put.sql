-- Another log takes the place of this one.
INSERT OR REPLACE INTO {former}(device, id, seq, sum, newest, n)
VALUES(:device, :id, :seq, :sum, :newest,
  (SELECT CASE WHEN max(n) IS NULL THEN 1 ELSE max(n) + 1 END
   FROM {former} WHERE device = :device));
