-- Are the pages of a log whole?
PRAGMA quick_check(1);
