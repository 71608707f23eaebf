-- Whose log it is; all columns, so that a limit meets what is large.
SELECT name, id, host, created, base_seq, base_sum FROM device;
