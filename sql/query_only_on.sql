-- Forbid writes again.
PRAGMA query_only = 1;
