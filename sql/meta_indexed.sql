-- The index by time is there.
UPDATE {meta} SET is_indexed = 1;
