-- Export only what came since the last export: read views.sql, then this.
--
-- export.state in the working directory says what the last export had. It is
-- CSV: device, seq. If a device has two lines, the greater number counts. To
-- remember this export, once its files are safe:
--
--   sqlite> .mode csv
--   sqlite> .once export.state
--   sqlite> SELECT * FROM had_next;
--
-- Call kv_sync() before you read the first view, not between them and that.

DELETE FROM had;
WITH RECURSIVE lines(line, rest) AS (
  SELECT '', replace(CAST(readfile('export.state') AS TEXT), char(13), '') || char(10)
  UNION ALL
  SELECT substr(rest, 1, instr(rest, char(10)) - 1), substr(rest, instr(rest, char(10)) + 1)
  FROM lines WHERE instr(rest, char(10)))
INSERT INTO had
  SELECT substr(line, 1, instr(line, ',') - 1) AS device,
    max(CAST(substr(line, instr(line, ',') + 1) AS INTEGER))
  FROM lines WHERE line <> '' GROUP BY device;
