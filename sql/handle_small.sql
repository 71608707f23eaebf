-- A log is read from its beginning to its end: no page twice.
PRAGMA cache_size = 16;
