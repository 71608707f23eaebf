-- How many own rows wait to be published.
SELECT count(*) FROM {cache}
WHERE device = :self AND seq > :after AND seq <= :until;
