-- How long the host waits for a lock, in milliseconds.
PRAGMA busy_timeout;
