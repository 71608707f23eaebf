-- kv_hash: 128 bits of any values, the same for ever and on every machine.
.load ./kv
.mode list

.print == hashes never change
SELECT kv_hash(NULL);
SELECT kv_hash(1), kv_hash(-9223372036854775808);
SELECT kv_hash(0.5), kv_hash(9e999);
SELECT kv_hash(''), kv_hash('Hello'), kv_hash('déjà ' || char(0) || ' vu');
SELECT kv_hash(x''), kv_hash(x'00ff');
SELECT kv_hash('Hello', 1, NULL);
SELECT kv_hash(zeroblob(1000)), kv_hash(zeroblob(1000000));
.print == ten values can be hashed, too
SELECT kv_hash(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);

.print == values that look alike have different hashes: other types, other lengths, one other bit
SELECT count(DISTINCT h) || ' of ' || count(*) FROM (
  SELECT kv_hash(1) AS h UNION ALL SELECT kv_hash(1.0)
  UNION ALL SELECT kv_hash('1') UNION ALL SELECT kv_hash(x'31')
  UNION ALL SELECT kv_hash(NULL) UNION ALL SELECT kv_hash('')
  UNION ALL SELECT kv_hash(x'') UNION ALL SELECT kv_hash(NULL, NULL)
  UNION ALL SELECT kv_hash('a', 'bc') UNION ALL SELECT kv_hash('ab', 'c')
  UNION ALL SELECT kv_hash('abc') UNION ALL SELECT kv_hash(0.1 + 0.2)
  UNION ALL SELECT kv_hash(0.3) UNION ALL SELECT kv_hash('a' || char(0))
  UNION ALL SELECT kv_hash('a') UNION ALL SELECT kv_hash(9007199254740993)
  UNION ALL SELECT kv_hash(9007199254740992.0));
.print == 0.0 and -0.0 are one number
SELECT kv_hash(0.0) = kv_hash(-1.0 * 0.0);

.print == it works in an index, a generated column, a CHECK and a view
CREATE TABLE file(data BLOB, hash TEXT GENERATED ALWAYS AS (kv_hash(data)));
CREATE UNIQUE INDEX file_hash ON file(hash);
CREATE INDEX file_two ON file(kv_hash(data, 'salt'));
CREATE VIEW file_view AS SELECT kv_hash(data) = hash AS same FROM file;
INSERT INTO file VALUES('one'), ('two');
INSERT INTO file VALUES('one');
SELECT data FROM file WHERE hash = kv_hash('two');
PRAGMA trusted_schema = OFF;
SELECT same FROM file_view;
PRAGMA integrity_check;
.print == it needs a value, but no store
SELECT kv_hash();
