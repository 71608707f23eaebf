-- They came again, with a later merge.
DELETE FROM {arrival}
WHERE device = :self AND last_seq <= :after AND arrived < :arrived;
