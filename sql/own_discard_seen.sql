-- The same for seen rows.
DELETE FROM {seen} WHERE device = :self AND seq > :after;
