-- The rows of a device have no arrivals any more.
DELETE FROM {arrival} WHERE device = :device;
