-- Does the host forbid writes?
PRAGMA query_only;
