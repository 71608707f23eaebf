-- The number of the last commit or merge; a cursor of changes has 33 bits.
SELECT max(arrived) FROM {arrival}
WHERE arrived BETWEEN 0 AND 0x1ffffffff;
