-- Was a key written before a scan began? By others, or up to an own row.
SELECT 1 FROM {cache}
WHERE is_old IN (0, 1) AND bucket = '' AND key = :key AND (device IS NOT :self OR seq <= :until)
LIMIT 1;
