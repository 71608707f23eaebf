-- And the commits that brought them.
UPDATE {arrival} SET first_seq = first_seq + :shift,
  last_seq = last_seq + :shift
WHERE device = :self AND arrived < :arrived;
