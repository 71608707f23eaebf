-- The own name, if it is that of a retired device.

-- name: retired_name
-- Does a row say that a device of this name is retired, whatever its log?
SELECT 1 FROM {seen} WHERE peer = :self AND op = 3 LIMIT 1;
