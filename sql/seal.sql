-- Sealing the own log.

-- name: log_shrink
-- Give the free pages back: they are more than will be used again soon.
VACUUM;
