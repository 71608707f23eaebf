-- Forget all rows of a device.
DELETE FROM {cache} WHERE device = :device;
