-- Of own rows that were numbered so, forget those that the log has, too.
DELETE FROM {cache} AS o
WHERE o.device = :self AND o.seq > :shift
  AND EXISTS(
    SELECT 1 FROM {cache} AS n
    WHERE n.is_old IN (0, 1) AND n.bucket = o.bucket AND n.key = o.key
      AND n.ts = o.ts AND n.device = o.device AND n.seq <= :shift
      AND n.op = o.op AND {value n} IS {value o}
      AND typeof({value n}) = typeof({value o}));
