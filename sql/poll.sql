-- Work that stands for the rows verified meanwhile, so that a progress handler
-- of the host counts it; fails if the host was interrupted.
WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 128)
SELECT count(*) FROM i;
