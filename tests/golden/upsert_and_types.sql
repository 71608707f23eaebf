-- INSERT sets a key, whether it exists or not; keys of any type but NULL and
-- values of any type are kept as they are.
.load ./kv
.mode list
SELECT kv_open('types.kv', 'laptop', 'now=2026-11-01');

.print == INSERT of a key that exists sets it
INSERT INTO kv VALUES('a', 1);
INSERT INTO kv VALUES('a', 2);
SELECT key, value FROM kv;

.print == of several rows of a key in one INSERT, the last is kept
INSERT INTO kv(value, key) VALUES(1, 'b'), (2, 'b'), (3, 'b');
SELECT key, value FROM kv ORDER BY key;
SELECT key, value, seq FROM kv_log WHERE key = 'b';

.print == a value can have every type
INSERT INTO kv VALUES
  ('v01 NULL', NULL),
  ('v02 zero', 0),
  ('v03 largest', 9223372036854775807),
  ('v04 smallest', -9223372036854775808),
  ('v05 real', 1.5),
  ('v06 one as real', 1.0),
  ('v07 infinity', 9e999),
  ('v08 -infinity', -9e999),
  ('v09 tiny', 5e-324),
  ('v10 text', 'naïve ☃ 𝄞'),
  ('v11 empty text', ''),
  ('v12 text with NUL', 'a' || char(0) || 'b'),
  ('v13 digits', '007'),
  ('v14 blob', x'00ff7f'),
  ('v15 empty blob', x''),
  ('v16 zeroblob', zeroblob(4)),
  ('v17 blob of text', CAST('text' AS BLOB)),
  ('v18 not UTF-8', CAST(x'c328ff' AS TEXT));
SELECT key, typeof(value), quote(value) FROM kv
WHERE key GLOB 'v*' AND typeof(value) <> 'real' ORDER BY key;
SELECT key, typeof(value), value IN (1.5, 1.0, 9e999, -9e999, 5e-324) FROM kv
WHERE key GLOB 'v*' AND typeof(value) = 'real' ORDER BY key;
SELECT key, hex(value) FROM kv WHERE key GLOB 'v1[028]*' ORDER BY key;

.print == values of 100,000 bytes and more are kept
INSERT INTO kv VALUES('large', zeroblob(100000)),
  ('larger', hex(zeroblob(1000000)));
SELECT key, typeof(value), length(value) FROM kv WHERE key GLOB 'large*';

.print == a key can have every type but NULL, and keys are in SQLite's order
DELETE FROM kv;
INSERT INTO kv VALUES
  (x'00', 'blob 00'), (x'', 'empty blob'), ('', 'empty text'),
  ('a', 'text a'), ('B', 'text B'), ('1', 'text 1'),
  ('a' || char(0) || 'b', 'text with NUL'), ('é', 'text é'),
  (1, 'integer 1'), (-1, 'integer -1'), (1.5, 'real 1.5'),
  (9223372036854775807, 'largest'), (-9223372036854775808, 'smallest'),
  (9e999, 'infinity'), (-9e999, '-infinity');
SELECT typeof(key), value FROM kv ORDER BY key;
SELECT value FROM kv WHERE key = 9e999;
SELECT value FROM kv WHERE key = -9e999;
SELECT value FROM kv WHERE key = '';
SELECT value FROM kv WHERE key = x'';
SELECT value FROM kv WHERE key = 'a' || char(0) || 'b';
SELECT value FROM kv WHERE key = 9223372036854775807;

.print == 1 and 1.0 are one key, shown as it was set last; text 1 is another
INSERT INTO kv VALUES(1.0, 'real 1');
SELECT typeof(key), value FROM kv WHERE key = 1;
SELECT typeof(key), value FROM kv WHERE key = 1.0;
SELECT typeof(key), value FROM kv WHERE key = '1';
SELECT typeof(key), value FROM kv WHERE key = x'31';
UPDATE kv SET key = 1 WHERE key = 1.0;
SELECT typeof(key), value FROM kv WHERE key IN (1, '1') ORDER BY key;

.print == large integers and reals are not confused
INSERT INTO kv VALUES(9007199254740993, 'integer'), (9007199254740992.0, 'real');
SELECT typeof(key), printf('%d', key), value FROM kv
WHERE key BETWEEN 9007199254740992 AND 9007199254740993 ORDER BY key;

.print == another device gets all of them unchanged
SELECT kv_open('types.kv', 'phone', 'name=phone, now=2026-11-01');
SELECT count(*), sum(typeof(a.key) <> typeof(b.key)),
  sum(typeof(a.value) <> typeof(b.value)), sum(a.value IS NOT b.value)
FROM kv AS a JOIN phone AS b ON a.key IS b.key;
SELECT (SELECT count(*) FROM kv) = (SELECT count(*) FROM phone);
SELECT count(*) FROM (SELECT key, value FROM kv_log('kv')
  EXCEPT SELECT key, value FROM kv_log('phone'));
