-- Publish nothing.
ROLLBACK;
