-- The number of the last commit or merge; a cursor of changes has 33 bits.
SELECT coalesce(max(arrived), 0) FROM {arrival}
WHERE arrived BETWEEN 0 AND 0x1ffffffff;
