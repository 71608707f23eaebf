-- The last eight of a device are enough.
DELETE FROM {former} WHERE device = :device AND n <=
  (SELECT n FROM {former} WHERE device = :device
   ORDER BY n DESC LIMIT 1 OFFSET 8);
