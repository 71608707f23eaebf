-- Number own rows behind all that a log has, so that they stand beside rows of
-- the same key and time that a twin wrote.
UPDATE {cache} SET seq = seq + :shift WHERE device = :self;
