-- The own log, when it is gone.

-- name: comeback_retired
-- Does a row say that a device of this name is retired, whatever its log?
SELECT 1 FROM {seen} WHERE peer = :self AND op = 3 LIMIT 1;
