-- Set own rows aside, under negative numbers, beside those of a new log.
UPDATE {cache} SET seq = -seq WHERE device = :self;
