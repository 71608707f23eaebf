-- Give up own rows that wait.
DELETE FROM {cache} WHERE device = :self AND seq > :after;
