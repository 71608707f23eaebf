-- kv_diff(start [, stop]): what a stretch of time did to each key.
.load ./kv
.mode list
SELECT kv_open('a.kv', 'laptop', 'now=2026-11-01 08:00');
INSERT INTO kv VALUES('title', 'Hello'), ('stars', 5), ('draft', 1), ('same', 'x');
SELECT kv_open('a.kv', 'laptop', 'now=2026-11-02 08:00');
UPDATE kv SET value = 'Hallo' WHERE key = 'title';
DELETE FROM kv WHERE key = 'draft';
INSERT INTO kv VALUES('color', 'green'), ('brief', 1);
SELECT kv_open('a.kv', 'laptop', 'now=2026-11-03 08:00');
UPDATE kv SET value = 'Hello' WHERE key = 'title';
UPDATE kv SET value = 5.0 WHERE key = 'stars';
UPDATE kv SET value = 'x' WHERE key = 'same';
INSERT INTO kv VALUES('none', NULL);
DELETE FROM kv WHERE key = 'brief';
.headers on

.print == the second day, then the third
SELECT key, change, old_value, new_value FROM kv_diff('2026-11-02', '2026-11-03');
SELECT key, change, old_value, new_value FROM kv_diff('2026-11-03', '2026-11-04');
.print == both days: a change that was undone is no difference; 5 and 5.0 differ
SELECT key, change, old_value, new_value FROM kv_diff('2026-11-02');
.print == from before the first write, everything is added
SELECT count(*), min(change), max(change) FROM kv_diff('1970-01-01');
.print == a NULL value is a value
SELECT change, typeof(new_value) FROM kv_diff('2026-11-02') WHERE key = 'none';
.print == between two equal times nothing differs
SELECT count(*) FROM kv_diff('2026-11-02', '2026-11-02');
.print == the times can come from a table
SELECT day, group_concat(change || ' ' || key, ', ') AS done
FROM (SELECT date('2026-10-31', n || ' days') AS day, date('2026-11-01', n || ' days') AS next
      FROM (SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3)),
     kv_diff(day, next)
GROUP BY day;
.print == the running transaction counts
BEGIN;
DELETE FROM kv WHERE key = 'color';
SELECT key, change, old_value FROM kv_diff('2026-11-03') WHERE key = 'color';
ROLLBACK;
SELECT key, change, old_value FROM kv_diff('2026-11-03') WHERE key = 'color';

.print == wrong times are refused
SELECT * FROM kv_diff;
SELECT * FROM kv_diff('yesterday');
SELECT * FROM kv_diff(1793611815);
SELECT * FROM kv_diff('2026-11-03', '2026-11-02');
SELECT * FROM kv_diff('2026-11-02', NULL, 'other');
