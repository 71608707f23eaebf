-- Seen rows that were set aside, up to a number.
DELETE FROM {seen} WHERE device = :self AND seq < 0 AND seq >= -:after;
