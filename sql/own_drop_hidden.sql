-- Own rows that were set aside, up to a number.
DELETE FROM {cache} WHERE device = :self AND seq < 0 AND seq >= -:after;
