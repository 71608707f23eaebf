-- kv(time) shows the store as it was, in every form that a time has.
.load ./kv
.mode list
SELECT kv_open('a.kv', 'laptop', 'now=2026-11-01 08:00');
INSERT INTO kv VALUES('title', 'Hello'), ('stars', 5);
SELECT kv_open('a.kv', 'laptop', 'now=2026-11-02 09:30:15.250');
UPDATE kv SET value = 'Hello, world' WHERE key = 'title';
SELECT kv_open('a.kv', 'laptop', 'now=2026-11-03 10:00');
DELETE FROM kv WHERE key = 'stars';
INSERT INTO kv VALUES('new', 1);
.headers on

.print == without a time, the store is as it is now
SELECT key, value FROM kv;
.print == before the first write
SELECT count(*) FROM kv('2026-10-31');
.print == a date means its first millisecond
SELECT count(*) FROM kv('2026-11-01');
SELECT key, value FROM kv('2026-11-02');
.print == a time with minutes, seconds, fractions
SELECT key, value FROM kv('2026-11-01 08:00');
SELECT value FROM kv('2026-11-02 09:30') WHERE key = 'title';
SELECT value FROM kv('2026-11-02 09:30:15') WHERE key = 'title';
SELECT value FROM kv('2026-11-02 09:30:15.249') WHERE key = 'title';
SELECT value FROM kv('2026-11-02 09:30:15.250') WHERE key = 'title';
SELECT value FROM kv('2026-11-02 09:30:15.250000') WHERE key = 'title';
SELECT value FROM kv('2026-11-02 09:30:15.249999') WHERE key = 'title';
.print == a time may have a T, a Z or an offset
SELECT value FROM kv('2026-11-02T09:30:16') WHERE key = 'title';
SELECT value FROM kv('2026-11-02T09:30:16Z') WHERE key = 'title';
SELECT value FROM kv('2026-11-02 10:30:15.250+01:00') WHERE key = 'title';
SELECT value FROM kv('2026-11-02 10:30:15.249+01:00') WHERE key = 'title';
SELECT value FROM kv('2026-11-02 04:30:15.250-05:00') WHERE key = 'title';
.print == the word now means the time of the clock
SELECT kv_open('a.kv', 'laptop', 'now=2026-11-04') AS device;
SELECT key, value FROM kv('now');
SELECT key, value FROM kv('NOW');
.print == a time may be integer microseconds
SELECT value FROM kv(1793611815250000) WHERE key = 'title';
SELECT value FROM kv(1793611815249999) WHERE key = 'title';
.print == NULL is no time: the store is as it is now
SELECT key, value FROM kv(NULL);

.print == a time that the store shows finds the row that it belongs to
SELECT count(*) AS found FROM kv_log AS l
JOIN kv AS k ON k.as_of = l.time AND k.key = l.key AND k.value IS l.value
WHERE l.op = 'set';
SELECT count(*) AS found FROM kv_log AS l
JOIN kv AS k ON k.as_of = l.ts AND k.key = l.key AND k.value IS l.value
WHERE l.op = 'set';

.print == as_of works in WHERE with every kind of condition
SELECT key, value, as_of FROM kv WHERE as_of = '2026-11-02' ORDER BY key DESC;
SELECT value FROM kv WHERE as_of = '2026-11-02' AND key = 'stars';
SELECT key FROM kv WHERE as_of = '2026-11-02' AND key >= 't';
SELECT key FROM kv WHERE as_of = '2026-11-02' AND key < 't';
SELECT key FROM kv WHERE as_of = '2026-11-02' AND key GLOB 'st*';
SELECT key FROM kv('2026-11-02') ORDER BY key DESC LIMIT 1;
.print == one query can read two times
SELECT a.key, a.value AS then_value, b.value AS now_value
FROM kv('2026-11-02') AS a LEFT JOIN kv AS b ON a.key = b.key
WHERE a.value IS NOT b.value ORDER BY a.key;
SELECT column1 AS day, count(key) AS keys
FROM (VALUES('2026-10-31'), ('2026-11-02'), ('2026-11-04'))
LEFT JOIN kv ON as_of = column1 GROUP BY column1;

.print == an old value can be set again
INSERT INTO kv SELECT key, value FROM kv('2026-11-02') WHERE key = 'stars';
SELECT value FROM kv WHERE key = 'stars';

.print == seconds and milliseconds are refused
SELECT * FROM kv(1793611815);
SELECT * FROM kv(1793611815250);
SELECT * FROM kv(0);
.print == so is what is not a time
SELECT * FROM kv('yesterday');
SELECT * FROM kv('2026-13-01');
SELECT * FROM kv('2026-02-30');
SELECT * FROM kv('2026-11-01 24:00');
SELECT * FROM kv('2026-11-01 08:00:60');
SELECT * FROM kv('2026-11-01 8:00');
SELECT * FROM kv('');
SELECT * FROM kv('1969-12-31');
SELECT * FROM kv('2300-01-01');
SELECT * FROM kv(-1);
SELECT * FROM kv(9007199254740993);
SELECT * FROM kv(1.5);
