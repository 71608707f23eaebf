-- End a transaction that cannot be committed.
ROLLBACK;
