-- Locking the own log.

-- name: busy_timeout
-- How many milliseconds the host waits for a lock.
PRAGMA busy_timeout;
