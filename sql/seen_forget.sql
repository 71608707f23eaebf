-- Forget what a device had seen.
DELETE FROM {seen} WHERE device = :device;
