-- Succeeds if the extension is loaded into this connection already.
SELECT kv_version();
