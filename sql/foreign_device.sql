-- Whose log it is.
SELECT name, id, host, base_seq, base_sum FROM device;
