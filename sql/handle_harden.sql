-- Settings of a handle on a log file that a host's defaults may differ from.
PRAGMA mmap_size = 0;
PRAGMA cell_size_check = ON;
