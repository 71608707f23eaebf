-- The page that the rows of a log are found from.
SELECT rootpage FROM sqlite_master WHERE name = 'log';
