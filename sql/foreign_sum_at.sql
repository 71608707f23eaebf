-- The chained checksum at one row.
SELECT sum FROM log WHERE seq = :seq;
