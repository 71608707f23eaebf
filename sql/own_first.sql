-- The first number that the rows of one own transaction have now.
SELECT min(seq) FROM {cache} WHERE device = :self AND arrived = :arrived;
