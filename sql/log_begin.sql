-- Lock a log against every other process.
BEGIN EXCLUSIVE;
