-- NDJSON of the views kv_columns and log_columns as Parquet, in DuckDB:
--
--   duckdb < examples/export/parquet.sql
--
-- Types are kept: integers with 64 bits, reals, text, blobs.

COPY (
  SELECT make_timestamp(ts) AS time, ts, device, seq, txn, parent_ts, op,
    key, key_type, type, int, real, text, unhex(blob) AS blob
  FROM read_json('log.ndjson', format = 'newline_delimited', columns = {
    ts: 'BIGINT', device: 'VARCHAR', seq: 'BIGINT', txn: 'BIGINT', parent_ts: 'BIGINT',
    op: 'VARCHAR', key: 'VARCHAR', key_type: 'VARCHAR', type: 'VARCHAR',
    int: 'BIGINT', real: 'DOUBLE', text: 'VARCHAR', blob: 'VARCHAR'})
) TO 'log.parquet' (FORMAT parquet, COMPRESSION zstd);

COPY (
  SELECT op, key, key_type, type, int, real, text, unhex(blob) AS blob
  FROM read_json('kv.ndjson', format = 'newline_delimited', columns = {
    op: 'VARCHAR', key: 'VARCHAR', key_type: 'VARCHAR', type: 'VARCHAR',
    int: 'BIGINT', real: 'DOUBLE', text: 'VARCHAR', blob: 'VARCHAR'})
) TO 'kv.parquet' (FORMAT parquet, COMPRESSION zstd);
