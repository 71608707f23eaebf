-- The logs of the other devices during a sync.

-- name: visit_unchanged
-- The stamps of the logs that were read to their end. A row that cannot be right, in
-- a damaged database, is none of them.
SELECT device, id, stamp_inode, stamp_size, stamp_mtime, stamp_ctime
FROM {cursor}
WHERE stamp_inode IS NOT NULL AND seq BETWEEN 0 AND :most
ORDER BY device;
